/* What waited while a subscription was paused comes out in the order of its creation. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static enum status apply_activation(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->activated_at_ms = *(int64_t *)context;
    return apply_resume(NULL, now_ms, subscription);
}

static void resume_at(struct fixture *fixture, const struct object_id *id, int64_t at_ms)
{
    struct change change = {.apply = apply_activation, .context = &at_ms};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, id, &change), STATUS_OK);
}

/* The next one, with room for one alone. A large backlog is put in order by several calls. */
static struct claim claim_next(struct fixture *fixture, int64_t now_ms)
{
    struct claims *claims = claims_new();
    do
        claim_some(fixture, now_ms, 1, 1, claims);
    while (claims->count == 0 && claims->next_due_ms <= now_ms);
    assert_int_equal(claims->count, 1);
    struct claim claim = claims->items[0];
    free(claims);
    return claim;
}

static void assert_event_is(const struct claim *claim, const struct object_id *event)
{
    assert_memory_equal(&claim->event_id, event, sizeof *event);
}

static void events_of_one_millisecond_come_as_they_were_published_whoever_published_them(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[OBJECT_ID_LANES];
    int64_t now_ms = clock_now_ms();
    add_subscription(fixture, "s");
    for (unsigned i = 0; i < OBJECT_ID_LANES; i++) {
        struct event event = make_event(fixture, "A.B", now_ms);
        object_id_make_lane(OBJECT_ID_LANES - 1 - i, now_ms, &event.id);
        event.id.bytes[7] = (unsigned char)i; /* a fast disk: some microseconds between two of them */
        events[i] = event.id;
        assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
        event_clear(&event);
    }
    for (unsigned i = 0; i < OBJECT_ID_LANES; i++) {
        struct claim claim = claim_next(fixture, now_ms);
        assert_event_is(&claim, &events[i]);
    }
}

/* A and B are tried and fail; C and D come while the subscription is paused, before and between their next times. */
static void retries_that_fell_due_during_a_pause_come_before_what_was_published_later(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[4];
    struct object_id id = add_subscription(fixture, "s");
    events[0] = publish_at(fixture, "A.B", 1000, NULL);
    events[1] = publish_at(fixture, "A.B", 1001, NULL);
    struct claim a = claim_next(fixture, 1100), b = claim_next(fixture, 1100);
    assert_true(settle_one(fixture, &a, 1200, DELIVERY_WAITING, 1500));
    assert_true(settle_one(fixture, &b, 1200, DELIVERY_WAITING, 1400));
    change_subscription(fixture, &id, apply_pause);
    events[2] = publish_at(fixture, "A.B", 1300, NULL);
    events[3] = publish_at(fixture, "A.B", 1450, NULL);
    resume_at(fixture, &id, 2000);
    struct claim first = claim_next(fixture, 2000);
    assert_event_is(&first, &events[0]);
    assert_int_equal(store_release(fixture->store, 2000, &first, 1), STATUS_OK); /* it keeps its place */
    for (int i = 0; i < 4; i++) {
        struct claim claim = claim_next(fixture, 2001);
        assert_event_is(&claim, &events[i]);
        assert_true(settle_one(fixture, &claim, 2002, DELIVERY_DELIVERED, 0));
    }
}

static void a_retry_that_is_due_later_keeps_its_time(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    struct claim claim = claim_next(fixture, 1100);
    assert_true(settle_one(fixture, &claim, 1200, DELIVERY_WAITING, 5000));
    change_subscription(fixture, &id, apply_pause);
    resume_at(fixture, &id, 2000);
    claim_all(fixture, 4999, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_int_equal(claims->next_due_ms, 5000);
    claim_all(fixture, 5000, 10, claims);
    assert_int_equal(claims->count, 1);
    free(claims);
}

/* More than one step's, and all of them due in one millisecond. */
static void a_large_backlog_is_put_in_order_as_well(void **state)
{
    enum { TRIED = 700, FRESH = 300 };
    struct fixture *fixture = *state;
    struct object_id tried[TRIED], fresh[FRESH];
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, TRIED, tried);
    claim_all(fixture, 2000, TRIED, claims);
    assert_int_equal(claims->count, TRIED);
    for (int i = 0; i < TRIED; i++)
        assert_true(settle_one(fixture, &claims->items[i], 2100, DELIVERY_WAITING, 5000));
    change_subscription(fixture, &id, apply_pause);
    publish_many(fixture, "A.B", 3000, FRESH, fresh);
    resume_at(fixture, &id, 6000);
    struct claim first = claim_next(fixture, 6000);
    assert_event_is(&first, &tried[0]);
    claim_all(fixture, 6000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, TRIED + FRESH - 1);
    for (int i = 1; i < TRIED; i++)
        assert_event_is(&claims->items[i - 1], &tried[i]);
    for (int i = 0; i < FRESH; i++)
        assert_event_is(&claims->items[TRIED - 1 + i], &fresh[i]);
    free(claims);
}

static void a_second_pause_puts_in_order_what_came_since_the_first(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[2];
    struct object_id id = add_subscription(fixture, "s");
    resume_at(fixture, &id, 900);
    events[0] = publish_at(fixture, "A.B", 800, NULL);
    struct claim claim = claim_next(fixture, 1000);
    assert_true(settle_one(fixture, &claim, 1100, DELIVERY_WAITING, 1500));
    change_subscription(fixture, &id, apply_pause);
    events[1] = publish_at(fixture, "A.B", 1200, NULL);
    resume_at(fixture, &id, 2000);
    for (int i = 0; i < 2; i++) {
        claim = claim_next(fixture, 2000);
        assert_event_is(&claim, &events[i]);
    }
}

int run_pause_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(events_of_one_millisecond_come_as_they_were_published_whoever_published_them),
        CONFORMANCE_TEST(retries_that_fell_due_during_a_pause_come_before_what_was_published_later),
        CONFORMANCE_TEST(a_retry_that_is_due_later_keeps_its_time),
        CONFORMANCE_TEST(a_large_backlog_is_put_in_order_as_well),
        CONFORMANCE_TEST(a_second_pause_puts_in_order_what_came_since_the_first),
    };
    return cmocka_run_group_tests_name("pausing", tests, NULL, NULL);
}
