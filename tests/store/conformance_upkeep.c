/* Housekeeping: what is cancelled and deleted, when, and in how small steps. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RETENTION_MS INT64_C(10000)
enum { PUBLISHED_MS = 1000, MANY = 450, SUBSCRIPTIONS_OF_WIDE = 300 };

static const struct upkeep_limits limits = {RETENTION_MS, 1000000};

/* What one step changes is bounded, so that nobody waits for it long. */
static bool is_small(const struct upkeep_counts *before, const struct upkeep_counts *after)
{
    uint64_t changed = after->expired - before->expired + (after->surplus - before->surplus) +
                       (after->deliveries - before->deliveries) + (after->events - before->events) +
                       (after->answers - before->answers) + (after->subscriptions - before->subscriptions);
    return changed <= 2 * STORE_SETTLE_MAX;
}

static struct upkeep_counts pass_with(struct fixture *fixture, int64_t now_ms, const struct upkeep_limits *with,
                                      bool only_waiting)
{
    struct upkeep_counts counts = {0};
    struct upkeep_state state = {.only_waiting = only_waiting};
    bool is_done = false;
    while (!is_done) {
        struct upkeep_counts before = counts;
        assert_int_equal(store_upkeep(fixture->store, now_ms, with, &state, &counts, &is_done), STATUS_OK);
        assert_true(is_small(&before, &counts));
    }
    return counts;
}

static struct upkeep_counts pass(struct fixture *fixture, int64_t now_ms)
{
    return pass_with(fixture, now_ms, &limits, false);
}

static void assert_nothing_changed(struct upkeep_counts counts)
{
    assert_memory_equal(&counts, &(struct upkeep_counts){0}, sizeof counts);
}

static bool has_event(struct fixture *fixture, const struct object_id *id)
{
    struct event event;
    enum status status = store_event_get(fixture->store, id, &event);
    if (status == STATUS_OK)
        event_clear(&event);
    else
        assert_int_equal(status, STATUS_NOT_FOUND);
    return status == STATUS_OK;
}

static bool has_delivery(struct fixture *fixture, const struct object_id *id, const struct object_id *event)
{
    struct delivery delivery;
    return store_delivery_get(fixture->store, &fixture->org, id, event, &delivery) == STATUS_OK;
}

static bool has_attempt(struct fixture *fixture, const struct object_id *id, const struct object_id *event,
                        uint32_t number)
{
    struct attempt attempt;
    enum status status = store_attempt_get(fixture->store, id, event, number, &attempt);
    if (status == STATUS_OK)
        attempt_clear(&attempt);
    return status == STATUS_OK;
}

static void take_over(struct fixture *fixture)
{
    struct claims *claims = claims_new();
    for (int i = 0; i < 5; i++)
        claim_some(fixture, 0, 1, 0, claims);
    free(claims);
}

/* Claims what is due then and settles all of it. */
static size_t settle_due(struct fixture *fixture, int64_t now_ms, enum delivery_status status, int64_t due_at_ms)
{
    struct claims *claims = claims_new();
    claim_all(fixture, now_ms, CLAIMS_MAX, claims);
    size_t count = claims->count;
    for (size_t i = 0; i < count; i++)
        assert_true(settle_one(fixture, &claims->items[i], now_ms, status, due_at_ms));
    free(claims);
    return count;
}

static void render_something(void *context, struct buf *kept)
{
    (void)context;
    buf_append_text(kept, "sealed");
}

/* ---- retention ---- */

static void what_waited_too_long_is_cancelled_and_later_deleted(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    int64_t cancelled_at_ms = PUBLISHED_MS + RETENTION_MS + 1;
    take_over(fixture);
    assert_nothing_changed(pass(fixture, PUBLISHED_MS + RETENTION_MS));
    assert_int_equal(pass(fixture, cancelled_at_ms).expired, 1);
    struct delivery delivery = get_delivery(fixture, &id, &event);
    assert_int_equal(delivery.status, DELIVERY_CANCELLED);
    assert_int_equal(delivery.finished_at_ms, cancelled_at_ms);
    assert_int_equal(settle_due(fixture, cancelled_at_ms, DELIVERY_DELIVERED, 0), 0);
    assert_nothing_changed(pass(fixture, cancelled_at_ms + RETENTION_MS - 1));
    struct upkeep_counts last = pass(fixture, cancelled_at_ms + RETENTION_MS);
    assert_int_equal(last.deliveries, 1);
    assert_int_equal(last.events, 1);
    assert_false(has_delivery(fixture, &id, &event));
    assert_false(has_event(fixture, &event));
    assert_nothing_changed(pass(fixture, cancelled_at_ms + 2 * RETENTION_MS));
}

static void a_delivery_goes_with_its_attempts_and_an_event_with_its_last_delivery(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id first = add_subscription(fixture, "first"), second = add_subscription(fixture, "second");
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    assert_int_equal(settle_due(fixture, 2000, DELIVERY_WAITING, 3000), 2);
    claim_all(fixture, 3000, 2, claims);
    assert_int_equal(claims->count, 2);
    bool is_first = object_id_compare(&claims->items[0].subscription_id, &first) == 0;
    struct claim sooner = claims->items[is_first ? 0 : 1], later = claims->items[is_first ? 1 : 0];
    assert_true(settle_one(fixture, &sooner, 3000, DELIVERY_DELIVERED, 0));
    assert_true(settle_one(fixture, &later, 3500, DELIVERY_FAILED, 0));
    struct upkeep_counts counts = pass(fixture, 3000 + RETENTION_MS);
    assert_int_equal(counts.deliveries, 1);
    assert_int_equal(counts.events, 0);
    assert_false(has_delivery(fixture, &first, &event));
    assert_false(has_attempt(fixture, &first, &event, 1) || has_attempt(fixture, &first, &event, 2));
    assert_true(has_delivery(fixture, &second, &event) && has_attempt(fixture, &second, &event, 2));
    assert_true(has_event(fixture, &event));
    counts = pass(fixture, 3500 + RETENTION_MS);
    assert_int_equal(counts.deliveries, 1);
    assert_int_equal(counts.events, 1);
    assert_false(has_attempt(fixture, &second, &event, 1) || has_event(fixture, &event));
    free(claims);
}

static size_t recover_all(struct fixture *fixture, const struct object_id *id, int64_t now_ms)
{
    struct recovery recovery = {
        .organization_id = &fixture->org, .subscription_id = id, .since_ms = 0, .until_ms = now_ms};
    struct answer answer = {.render = render_something};
    assert_int_equal(store_recover(fixture->store, now_ms, &recovery, &answer), STATUS_OK);
    buf_clear(&answer.kept);
    return recovery.requeued;
}

static void what_failed_can_be_recovered_as_long_as_it_is_kept_and_then_waits_anew(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    int64_t now_ms = PUBLISHED_MS + RETENTION_MS - 1;
    assert_int_equal(settle_due(fixture, PUBLISHED_MS, DELIVERY_FAILED, 0), 1);
    assert_int_equal(recover_all(fixture, &id, now_ms), 1);
    assert_nothing_changed(pass(fixture, now_ms + RETENTION_MS)); /* it has been waiting since then, not since 1000 */
    assert_int_equal(settle_due(fixture, now_ms + RETENTION_MS, DELIVERY_FAILED, 0), 1);
    assert_int_equal(pass(fixture, now_ms + 2 * RETENTION_MS).deliveries, 1);
    assert_false(has_delivery(fixture, &id, &event));
    assert_int_equal(recover_all(fixture, &id, now_ms + 2 * RETENTION_MS), 0);
}

static void an_event_that_nobody_got_goes_by_its_own_age(void **state)
{
    struct fixture *fixture = *state;
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    assert_nothing_changed(pass(fixture, PUBLISHED_MS + RETENTION_MS - 1));
    assert_int_equal(pass(fixture, PUBLISHED_MS + RETENTION_MS).events, 1);
    assert_false(has_event(fixture, &event));
}

static void what_is_in_flight_is_left_alone(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    int64_t now_ms = PUBLISHED_MS + 2 * RETENTION_MS;
    const struct upkeep_limits none = {RETENTION_MS, 0};
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    claim_all(fixture, now_ms, 1, claims);
    assert_nothing_changed(pass_with(fixture, now_ms, &none, false));
    assert_true(settle_one(fixture, &claims->items[0], now_ms, DELIVERY_DELIVERED, 0));
    assert_int_equal(get_delivery(fixture, &id, &event).status, DELIVERY_DELIVERED);
    free(claims);
}

static void an_event_that_was_not_taken_over_wholly_is_kept(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    int64_t now_ms = PUBLISHED_MS + 2 * RETENTION_MS;
    assert_int_equal(pass(fixture, now_ms).expired, 1);
    assert_int_equal(pass(fixture, now_ms + RETENTION_MS).deliveries, 1);
    assert_true(has_event(fixture, &event));
    take_over(fixture);
    assert_int_equal(settle_due(fixture, now_ms, DELIVERY_DELIVERED, 0), 0);
    assert_false(has_delivery(fixture, &id, &event));
    assert_int_equal(pass(fixture, now_ms + RETENTION_MS).events, 1);
}

static void many_events_and_a_wide_one_go_in_steps(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[MANY];
    char name[16];
    add_subscription(fixture, "all");
    publish_many(fixture, "A.B", PUBLISHED_MS, MANY, events);
    for (int i = 0; i < SUBSCRIPTIONS_OF_WIDE; i++) {
        snprintf(name, sizeof name, "%d", i);
        add_subscription(fixture, name);
    }
    struct object_id wide = publish_at(fixture, "A.Wide", PUBLISHED_MS, NULL);
    take_over(fixture);
    int64_t now_ms = PUBLISHED_MS + MANY + RETENTION_MS + 1;
    assert_int_equal(pass(fixture, now_ms).expired, MANY + SUBSCRIPTIONS_OF_WIDE + 1);
    struct upkeep_counts counts = pass(fixture, now_ms + RETENTION_MS);
    assert_int_equal(counts.deliveries, MANY + SUBSCRIPTIONS_OF_WIDE + 1);
    assert_int_equal(counts.events, MANY + 1);
    assert_false(has_event(fixture, &wide));
}

/* ---- max_waiting ---- */

static void the_oldest_beyond_the_limit_are_cancelled(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[MANY];
    const struct upkeep_limits narrow = {RETENTION_MS, 20};
    struct object_id id = add_subscription(fixture, "s");
    struct spec other = {.name = "other", .event = "A.Other"};
    assert_int_equal(try_subscription(fixture, &other), STATUS_OK);
    publish_many(fixture, "A.B", PUBLISHED_MS, MANY, events);
    struct object_id beside = publish_at(fixture, "A.Other", PUBLISHED_MS, NULL);
    take_over(fixture);
    struct upkeep_counts counts = pass_with(fixture, 2000, &narrow, true);
    assert_int_equal(counts.surplus, MANY + 1 - 20);
    for (int i = 0; i < MANY; i++) {
        struct delivery delivery = get_delivery(fixture, &id, &events[i]);
        bool is_kept = i >= MANY - 20;
        assert_int_equal(delivery.status, is_kept ? DELIVERY_WAITING : DELIVERY_CANCELLED);
        assert_int_equal(delivery.finished_at_ms, is_kept ? 0 : 2000);
    }
    assert_int_equal(get_delivery(fixture, &other.id, &beside).status, DELIVERY_WAITING);
    assert_nothing_changed(pass_with(fixture, 2000, &narrow, true));
    assert_int_equal(settle_due(fixture, 2000, DELIVERY_DELIVERED, 0), 20 + 1);
}

static void the_limit_spares_what_is_in_flight(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id events[10];
    const struct upkeep_limits none = {RETENTION_MS, 0};
    add_subscription(fixture, "s");
    publish_many(fixture, "A.B", PUBLISHED_MS, 10, events);
    claim_all(fixture, 1500, 4, claims);
    assert_int_equal(claims->count, 4);
    assert_int_equal(pass_with(fixture, 1500, &none, true).surplus, 6);
    for (int i = 0; i < 4; i++)
        assert_true(settle_one(fixture, &claims->items[i], 1600, DELIVERY_DELIVERED, 0));
    free(claims);
}

/* ---- answers and tombstones ---- */

static enum status publish_once(struct fixture *fixture, unsigned char key, int64_t now_ms)
{
    struct event event = make_event(fixture, "A.B", now_ms);
    struct idempotency idempotency = {.key = {key}, .now_ms = now_ms, .expires_at_ms = now_ms + 100};
    struct answer answer = {.idempotency = &idempotency, .render = render_something};
    enum status status = store_publish(fixture->store, &event, 1, &answer);
    buf_clear(&answer.kept);
    event_clear(&event);
    return status;
}

static void kept_answers_go_when_their_time_is_over(void **state)
{
    struct fixture *fixture = *state;
    for (unsigned char key = 0; key < 120; key++)
        assert_int_equal(publish_once(fixture, key, PUBLISHED_MS), STATUS_OK);
    assert_int_equal(publish_once(fixture, 200, PUBLISHED_MS + 50), STATUS_OK);
    assert_int_equal(pass(fixture, PUBLISHED_MS + 99).answers, 0);
    assert_int_equal(pass(fixture, PUBLISHED_MS + 100).answers, 120);
    assert_int_equal(publish_once(fixture, 200, PUBLISHED_MS + 101), STATUS_REPLAY);
    assert_int_equal(pass(fixture, PUBLISHED_MS + 150).answers, 1);
}

static void a_tombstone_goes_when_nothing_refers_to_it_any_more(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", PUBLISHED_MS, NULL);
    assert_int_equal(settle_due(fixture, PUBLISHED_MS, DELIVERY_FAILED, 0), 1);
    change_subscription(fixture, &id, apply_delete);
    int64_t now_ms = clock_now_ms();
    assert_int_equal(pass(fixture, now_ms).subscriptions, 0); /* it is too young; the delivery went */
    assert_false(has_delivery(fixture, &id, &event));
    assert_int_equal(pass(fixture, now_ms + 2 * RETENTION_MS).subscriptions, 1);
    struct object_id next = add_subscription(fixture, "s");
    assert_true(object_id_compare(&next, &id) > 0);
}

static void a_tombstone_stays_while_a_delivery_reads_as_cancelled_by_it(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    change_subscription(fixture, &id, apply_pause);
    int64_t now_ms = clock_now_ms();
    struct object_id event = publish_at(fixture, "A.B", now_ms + RETENTION_MS, NULL); /* it is younger */
    take_over(fixture);
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(pass(fixture, now_ms + 2 * RETENTION_MS).subscriptions, 0);
    assert_int_equal(get_delivery(fixture, &id, &event).status, DELIVERY_CANCELLED);
}

/* ---- many at once ---- */

static int upkeep_in_child(struct fixture *fixture, int index)
{
    (void)index;
    struct upkeep_counts counts = pass(fixture, PUBLISHED_MS + MANY + 2 * RETENTION_MS);
    return (int)(counts.expired / 10);
}

static void several_processes_do_nothing_twice(void **state)
{
    enum { PROCESSES = 4 };
    struct fixture *fixture = *state;
    struct object_id events[MANY];
    struct object_id id = add_subscription(fixture, "s");
    publish_many(fixture, "A.B", PUBLISHED_MS, MANY, events);
    take_over(fixture);
    int tens = run_children(fixture, PROCESSES, upkeep_in_child);
    assert_in_range(tens, MANY / 10 - PROCESSES, MANY / 10);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(get_delivery(fixture, &id, &events[i]).status, DELIVERY_CANCELLED);
}

int run_upkeep_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(what_waited_too_long_is_cancelled_and_later_deleted),
        CONFORMANCE_TEST(a_delivery_goes_with_its_attempts_and_an_event_with_its_last_delivery),
        CONFORMANCE_TEST(what_failed_can_be_recovered_as_long_as_it_is_kept_and_then_waits_anew),
        CONFORMANCE_TEST(an_event_that_nobody_got_goes_by_its_own_age),
        CONFORMANCE_TEST(what_is_in_flight_is_left_alone),
        CONFORMANCE_TEST(an_event_that_was_not_taken_over_wholly_is_kept),
        CONFORMANCE_TEST(many_events_and_a_wide_one_go_in_steps),
        CONFORMANCE_TEST(the_oldest_beyond_the_limit_are_cancelled),
        CONFORMANCE_TEST(the_limit_spares_what_is_in_flight),
        CONFORMANCE_TEST(kept_answers_go_when_their_time_is_over),
        CONFORMANCE_TEST(a_tombstone_goes_when_nothing_refers_to_it_any_more),
        CONFORMANCE_TEST(a_tombstone_stays_while_a_delivery_reads_as_cancelled_by_it),
        CONFORMANCE_TEST(several_processes_do_nothing_twice),
    };
    return cmocka_run_group_tests_name("housekeeping", tests, NULL, NULL);
}
