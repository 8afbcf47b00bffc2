/* Everything at a glance: what waits, in which state, and which subscriptions there is reason to look at. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

enum { CONCERNS_MAX = 8 };

struct concerns {
    struct store_concern items[CONCERNS_MAX];
    struct object_id ids[CONCERNS_MAX];
    size_t count;
};

static void collect(void *context, const struct store_concern *concern)
{
    struct concerns *concerns = context;
    assert_true(concerns->count < CONCERNS_MAX);
    concerns->ids[concerns->count] = concern->subscription->id;
    concerns->items[concerns->count++] = *concern;
}

static struct store_overview look(struct fixture *fixture, int64_t now_ms, struct concerns *concerns)
{
    struct store_overview overview;
    *concerns = (struct concerns){.count = 0};
    assert_int_equal(store_overview(fixture->store, now_ms, collect, concerns, &overview), STATUS_OK);
    return overview;
}

static void assert_waiting(const struct store_overview *overview, uint64_t due, uint64_t later, uint64_t in_flight,
                           uint64_t held)
{
    assert_int_equal(overview->due, due);
    assert_int_equal(overview->later, later);
    assert_int_equal(overview->in_flight, in_flight);
    assert_int_equal(overview->held, held);
}

static void an_empty_store_has_nothing_to_show(void **state)
{
    struct concerns concerns;
    struct store_overview overview = look(*state, 5000, &concerns);
    const struct store_overview nothing = {.active = 0};
    assert_memory_equal(&overview, &nothing, sizeof overview);
    assert_int_equal(concerns.count, 0);
}

static void new_events_are_due_before_any_worker_saw_them(void **state)
{
    struct fixture *fixture = *state;
    struct concerns concerns;
    add_subscription(fixture, "s");
    add_subscription(fixture, "t");
    publish_at(fixture, "A.B", 2000, NULL);
    publish_at(fixture, "A.B", 1000, NULL);
    struct store_overview overview = look(fixture, 5000, &concerns);
    assert_waiting(&overview, 4, 0, 0, 0);
    assert_int_equal(overview.oldest_due_ms, 1000);
    assert_int_equal(overview.waiting_subscriptions, 2);
    assert_int_equal(overview.active, 2);
    assert_int_equal(overview.failing, 0);
    assert_int_equal(concerns.count, 0);
}

static void each_waiting_delivery_is_counted_once_through_its_life(void **state)
{
    struct fixture *fixture = *state;
    struct concerns concerns;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    for (int i = 0; i < 4; i++)
        publish_at(fixture, "A.B", 1000 + i, NULL);
    claim_some(fixture, 2000, 10, 3, claims); /* takes all four over */
    struct store_overview overview = look(fixture, 2000, &concerns);
    assert_waiting(&overview, 1, 0, 3, 0);
    assert_int_equal(overview.oldest_due_ms, 1003);
    assert_int_equal(concerns.count, 0); /* being tried is not failing */
    assert_true(settle_one(fixture, &claims->items[0], 2100, DELIVERY_DELIVERED, 0));
    assert_true(settle_one(fixture, &claims->items[1], 2100, DELIVERY_WAITING, 9000));
    assert_int_equal(store_release(fixture->store, 2100, &claims->items[2], 1), STATUS_OK);
    overview = look(fixture, 2100, &concerns);
    assert_waiting(&overview, 2, 1, 0, 0);
    overview = look(fixture, 9000, &concerns);
    assert_waiting(&overview, 3, 0, 0, 0);
    free(claims);
}

static void a_lease_that_ended_is_due(void **state)
{
    struct fixture *fixture = *state;
    struct concerns concerns;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    claim_all(fixture, 2000, 10, claims);
    struct store_overview overview = look(fixture, 2000 + LEASE_MS, &concerns);
    assert_waiting(&overview, 1, 0, 0, 0);
    free(claims);
}

static void a_subscription_fails_while_something_waits_that_was_tried_in_vain(void **state)
{
    struct fixture *fixture = *state;
    struct concerns concerns;
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1500, NULL);
    publish_at(fixture, "A.B", 1000, NULL);
    for (int i = 0; i < 2; i++) {
        claim_all(fixture, 2000 + i, 10, claims);
        assert_int_equal(claims->count, 2);
        for (size_t j = 0; j < claims->count; j++)
            assert_true(settle_one(fixture, &claims->items[j], 2000 + i, DELIVERY_WAITING, 2001 + i));
    }
    publish_at(fixture, "A.B", 3000, NULL);
    struct store_overview overview = look(fixture, 5000, &concerns);
    assert_int_equal(overview.failing, 1);
    assert_int_equal(overview.active, 1);
    assert_int_equal(concerns.count, 1);
    assert_memory_equal(&concerns.ids[0], &id, sizeof id);
    assert_int_equal(concerns.items[0].waiting, 3);
    assert_int_equal(concerns.items[0].tried, 2);
    assert_int_equal(concerns.items[0].tried_since_ms, 1000);
    assert_int_equal(concerns.items[0].tried_attempts, 2);
    claim_all(fixture, 5000, 10, claims);
    for (size_t j = 0; j < claims->count; j++)
        assert_true(settle_one(fixture, &claims->items[j], 5000, DELIVERY_FAILED, 0));
    overview = look(fixture, 5000, &concerns);
    assert_int_equal(overview.failing, 0); /* what ended is over */
    assert_int_equal(concerns.count, 0);
    free(claims);
}

static enum status apply_gone(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->disabled_reason = DISABLED_GONE;
    return apply_pause(context, now_ms, subscription);
}

static enum status apply_failing(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->disabled_reason = DISABLED_FAILING;
    return apply_pause(context, now_ms, subscription);
}

static void what_is_not_active_holds_its_deliveries(void **state)
{
    struct fixture *fixture = *state;
    struct concerns concerns;
    struct object_id paused = add_subscription(fixture, "paused");
    struct object_id gone = add_subscription(fixture, "gone");
    struct object_id failing = add_subscription(fixture, "failing");
    change_subscription(fixture, &paused, apply_pause);
    change_subscription(fixture, &gone, apply_gone);
    change_subscription(fixture, &failing, apply_failing);
    publish_at(fixture, "A.B", 1000, NULL);
    struct store_overview overview = look(fixture, 5000, &concerns);
    assert_waiting(&overview, 0, 0, 0, 3);
    assert_int_equal(overview.oldest_due_ms, 0);
    assert_int_equal(overview.active, 0);
    assert_int_equal(overview.paused, 1);
    assert_int_equal(overview.off_gone, 1);
    assert_int_equal(overview.off_failing, 1);
    assert_int_equal(concerns.count, 2); /* a pause that its owner wants is no concern */
    assert_memory_equal(&concerns.ids[0], &gone, sizeof gone);
    assert_memory_equal(&concerns.ids[1], &failing, sizeof failing);
    assert_int_equal(concerns.items[0].waiting, 1);
    assert_int_equal(concerns.items[0].tried_since_ms, 0);
}

static void a_deleted_subscription_is_gone_with_what_waited_for_it(void **state)
{
    struct fixture *fixture = *state;
    struct concerns concerns;
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    claim_some(fixture, 2000, 10, 0, claims); /* takes it over, claims nothing */
    publish_at(fixture, "A.B", 1001, NULL);
    change_subscription(fixture, &id, apply_delete);
    struct store_overview overview = look(fixture, 5000, &concerns);
    const struct store_overview nothing = {.active = 0};
    assert_memory_equal(&overview, &nothing, sizeof overview);
    free(claims);
}

/* More than a page of the walk, and half of it in the inbox. */
static void many_rows_are_counted_to_the_last(void **state)
{
    enum { EVENTS = 700, SUBSCRIPTIONS = 3 };
    struct fixture *fixture = *state;
    struct concerns concerns;
    struct claims *claims = claims_new();
    struct object_id ids[EVENTS];
    for (int i = 0; i < SUBSCRIPTIONS; i++)
        add_subscription(fixture, (char[]){(char)('a' + i), '\0'});
    publish_many(fixture, "A.B", 1000, EVENTS / 2, ids);
    do
        claim_some(fixture, 5000, 10, 0, claims);
    while (claims->next_due_ms == 5000); /* until all is taken over */
    publish_many(fixture, "A.B", 1000, EVENTS / 2, ids);
    struct store_overview overview = look(fixture, 5000, &concerns);
    assert_waiting(&overview, EVENTS * SUBSCRIPTIONS, 0, 0, 0);
    assert_int_equal(overview.waiting_subscriptions, SUBSCRIPTIONS);
    free(claims);
}

int run_overview_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(an_empty_store_has_nothing_to_show),
        CONFORMANCE_TEST(new_events_are_due_before_any_worker_saw_them),
        CONFORMANCE_TEST(each_waiting_delivery_is_counted_once_through_its_life),
        CONFORMANCE_TEST(a_lease_that_ended_is_due),
        CONFORMANCE_TEST(a_subscription_fails_while_something_waits_that_was_tried_in_vain),
        CONFORMANCE_TEST(what_is_not_active_holds_its_deliveries),
        CONFORMANCE_TEST(a_deleted_subscription_is_gone_with_what_waited_for_it),
        CONFORMANCE_TEST(many_rows_are_counted_to_the_last),
    };
    return cmocka_run_group_tests_name("overview", tests, NULL, NULL);
}
