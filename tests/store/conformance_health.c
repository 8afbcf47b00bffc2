/* What settling knows of a subscription's health, and the events of our own that are published beside it. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

#include "model/notice.h"

enum { START_MS = 1000 };

/* A subscription whose deliveries are claimed one by one. */
struct course {
    struct fixture *fixture;
    struct object_id id;
    struct claims *claims;
};

static struct course course_begin(struct fixture *fixture)
{
    return (struct course){fixture, add_subscription(fixture, "s"), claims_new()};
}

static struct settlement settle_next(struct course *course, int64_t now_ms, enum delivery_status status,
                                     struct event *notice)
{
    publish_at(course->fixture, "A.B", now_ms, NULL);
    claim_all(course->fixture, now_ms, 1, course->claims);
    assert_int_equal(course->claims->count, 1);
    struct settlement settlement = {.claim = course->claims->items[0], .status = status, .due_at_ms = INT64_MAX};
    settlement.attempt.number = 1;
    settlement.notice = notice;
    assert_int_equal(store_settle(course->fixture->store, now_ms, &settlement, 1), STATUS_OK);
    assert_true(settlement.was_applied);
    return settlement;
}

static int64_t failing_after(struct course *course, int64_t now_ms, enum delivery_status status)
{
    return settle_next(course, now_ms, status, NULL).failing_since_ms;
}

static void a_subscription_fails_since_the_first_failure_until_a_success(void **state)
{
    struct course course = course_begin(*state);
    int64_t start_ms = clock_now_ms() + START_MS; /* behind its activation */
    assert_int_equal(failing_after(&course, start_ms, DELIVERY_DELIVERED), 0);
    assert_int_equal(failing_after(&course, start_ms + 1, DELIVERY_WAITING), start_ms + 1);
    assert_int_equal(failing_after(&course, start_ms + 2, DELIVERY_FAILED), start_ms + 1);
    fixture_close(*state);
    fixture_open(*state);
    assert_int_equal(failing_after(&course, start_ms + 3, DELIVERY_WAITING), start_ms + 1);
    assert_int_equal(failing_after(&course, start_ms + 4, DELIVERY_DELIVERED), 0);
    assert_int_equal(failing_after(&course, start_ms + 5, DELIVERY_FAILED), start_ms + 5);
    free(course.claims);
}

static enum status apply_fresh_start(void *context, int64_t now_ms, struct subscription *subscription)
{
    (void)now_ms;
    subscription->activated_at_ms = *(int64_t *)context;
    return STATUS_OK;
}

static void what_failed_before_a_fresh_start_does_not_count(void **state)
{
    struct fixture *fixture = *state;
    struct course course = course_begin(fixture);
    int64_t start_ms = clock_now_ms() + START_MS, activated_at_ms = start_ms + 50;
    assert_int_equal(failing_after(&course, start_ms, DELIVERY_FAILED), start_ms);
    struct change change = {.apply = apply_fresh_start, .context = &activated_at_ms};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &course.id, &change), STATUS_OK);
    assert_int_equal(failing_after(&course, start_ms + 100, DELIVERY_FAILED), start_ms + 100);
    assert_int_equal(failing_after(&course, start_ms + 200, DELIVERY_FAILED), start_ms + 100);
    free(course.claims);
}

static void failures_and_a_success_settled_together_are_no_failing(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct settlement settlements[3];
    struct object_id events[3];
    add_subscription(fixture, "s");
    publish_many(fixture, "A.B", START_MS, 3, events);
    claim_all(fixture, START_MS + 3, 3, claims);
    for (int i = 0; i < 3; i++)
        settlements[i] = (struct settlement){.claim = claims->items[i],
                                             .status = i == 1 ? DELIVERY_DELIVERED : DELIVERY_FAILED,
                                             .attempt = {.number = 1}};
    assert_int_equal(store_settle(fixture->store, START_MS + 4, settlements, 3), STATUS_OK);
    for (int i = 0; i < 3; i++)
        assert_int_equal(settlements[i].failing_since_ms, 0);
    free(claims);
}

/* ---- notices ---- */

static struct event make_notice(struct fixture *fixture)
{
    struct event notice;
    struct object_id id;
    store_event_id_make(fixture->store, START_MS, &id);
    notice_init(&notice, NOTICE_DELIVERY_FAILED, &id, &fixture->org, START_MS);
    event_compose_body(&notice, slice_of("{}"));
    return notice;
}

static struct object_id add_listener(struct fixture *fixture, const char *event)
{
    struct spec spec = {.name = "listener", .event = event};
    assert_int_equal(try_subscription(fixture, &spec), STATUS_OK);
    return spec.id;
}

static size_t count_events(struct fixture *fixture, const struct object_id *id)
{
    struct event found;
    enum status status = store_event_get(fixture->store, id, &found);
    if (status == STATUS_NOT_FOUND)
        return 0;
    assert_int_equal(status, STATUS_OK);
    event_clear(&found);
    return 1;
}

static void a_delivery_that_failed_is_told_to_those_who_named_the_notice(void **state)
{
    struct fixture *fixture = *state;
    struct object_id listener = add_listener(fixture, NOTICE_DELIVERY_FAILED);
    struct course course = course_begin(fixture); /* wants everything, which leaves out notices */
    struct event notice = make_notice(fixture);
    settle_next(&course, START_MS, DELIVERY_FAILED, &notice);
    claim_all(fixture, START_MS, CLAIMS_MAX, course.claims);
    assert_int_equal(course.claims->count, 1);
    assert_memory_equal(&course.claims->items[0].subscription_id, &listener, sizeof listener);
    assert_memory_equal(&course.claims->items[0].event_id, &notice.id, sizeof notice.id);
    event_clear(&notice);
    free(course.claims);
}

static void what_did_not_happen_is_not_told(void **state)
{
    static const enum delivery_status others[] = {DELIVERY_WAITING, DELIVERY_DELIVERED};
    struct fixture *fixture = *state;
    add_listener(fixture, NOTICE_DELIVERY_FAILED);
    struct course course = course_begin(fixture);
    for (size_t i = 0; i < 2; i++) {
        struct event notice = make_notice(fixture);
        settle_next(&course, START_MS + (int64_t)i, others[i], &notice);
        assert_int_equal(count_events(fixture, &notice.id), 0);
        event_clear(&notice);
    }
    free(course.claims);
}

static void a_settlement_that_came_too_late_tells_nobody(void **state)
{
    struct fixture *fixture = *state;
    add_listener(fixture, NOTICE_DELIVERY_FAILED);
    struct course course = course_begin(fixture);
    struct event notice = make_notice(fixture);
    publish_at(fixture, "A.B", START_MS, NULL);
    claim_all(fixture, START_MS, 1, course.claims);
    struct settlement settlement = {.claim = course.claims->items[0], .status = DELIVERY_FAILED, .notice = &notice};
    assert_int_equal(store_settle(fixture->store, START_MS + LEASE_MS, &settlement, 1), STATUS_OK);
    assert_false(settlement.was_applied);
    assert_int_equal(count_events(fixture, &notice.id), 0);
    event_clear(&notice);
    free(course.claims);
}

static void a_notice_that_nobody_named_is_not_kept(void **state)
{
    struct fixture *fixture = *state;
    struct course course = course_begin(fixture);
    struct event notice = make_notice(fixture);
    settle_next(&course, START_MS, DELIVERY_FAILED, &notice);
    assert_int_equal(count_events(fixture, &notice.id), 0);
    event_clear(&notice);
    free(course.claims);
}

static void notices_of_one_batch_go_to_their_own_organizations(void **state)
{
    enum { MANY = 6 };
    struct fixture *fixture = *state;
    struct uuid first = fixture->org, second;
    struct claims *claims = claims_new();
    struct settlement settlements[MANY];
    struct event notices[MANY];
    struct object_id listeners[2], events[MANY / 2];
    uuid_make(&second);
    for (int i = 0; i < 2; i++) {
        fixture->org = i == 0 ? first : second;
        listeners[i] = add_listener(fixture, NOTICE_DELIVERY_FAILED);
        add_subscription(fixture, "s");
        publish_many(fixture, "A.B", START_MS, MANY / 2, events);
    }
    claim_all(fixture, START_MS + MANY, MANY, claims);
    assert_int_equal(claims->count, MANY);
    for (int i = 0; i < MANY; i++) {
        fixture->org = claims->items[i].organization_id;
        notices[i] = make_notice(fixture);
        settlements[i] = (struct settlement){
            .claim = claims->items[i], .status = DELIVERY_FAILED, .attempt = {.number = 1}, .notice = &notices[i]};
    }
    assert_int_equal(store_settle(fixture->store, START_MS + MANY, settlements, MANY), STATUS_OK);
    for (int i = 0; i < MANY; i++) {
        struct event found;
        assert_int_equal(store_event_get(fixture->store, &notices[i].id, &found), STATUS_OK);
        bool is_first = memcmp(&found.organization_id, &first, sizeof first) == 0;
        assert_int_equal(found.subscription_count, 1);
        assert_memory_equal(&found.subscriptions[0], &listeners[is_first ? 0 : 1], OBJECT_ID_BYTES);
        event_clear(&found);
        event_clear(&notices[i]);
    }
    free(claims);
}

static enum status apply_switch_off(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct event *notice = context;
    event_compose_body(notice, slice_of("{\"composed\":true}"));
    return apply_pause(NULL, now_ms, subscription);
}

static enum status apply_refusal(void *context, int64_t now_ms, struct subscription *subscription)
{
    (void)context;
    (void)now_ms;
    (void)subscription;
    return STATUS_CONFLICT;
}

static void a_change_is_told_where_it_is_made_and_only_there(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    add_listener(fixture, NOTICE_DELIVERY_FAILED);
    struct event notice = make_notice(fixture);
    struct change refused = {.apply = apply_refusal, .notice = &notice};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &refused), STATUS_CONFLICT);
    assert_int_equal(count_events(fixture, &notice.id), 0);
    struct change change = {.apply = apply_switch_off, .context = &notice, .notice = &notice};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_OK);
    struct event found;
    assert_int_equal(store_event_get(fixture->store, &notice.id, &found), STATUS_OK);
    assert_non_null(strstr(buf_text(&found.body), "\"composed\":true"));
    event_clear(&found);
    event_clear(&notice);
}

int run_health_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_subscription_fails_since_the_first_failure_until_a_success),
        CONFORMANCE_TEST(what_failed_before_a_fresh_start_does_not_count),
        CONFORMANCE_TEST(failures_and_a_success_settled_together_are_no_failing),
        CONFORMANCE_TEST(a_delivery_that_failed_is_told_to_those_who_named_the_notice),
        CONFORMANCE_TEST(what_did_not_happen_is_not_told),
        CONFORMANCE_TEST(a_settlement_that_came_too_late_tells_nobody),
        CONFORMANCE_TEST(a_notice_that_nobody_named_is_not_kept),
        CONFORMANCE_TEST(notices_of_one_batch_go_to_their_own_organizations),
        CONFORMANCE_TEST(a_change_is_told_where_it_is_made_and_only_there),
    };
    return cmocka_run_group_tests_name("health and notices", tests, NULL, NULL);
}
