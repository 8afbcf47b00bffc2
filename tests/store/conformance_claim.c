/* Claiming: what is due, for whom, in which order, and for how long. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static bool is_claim_of(const struct claim *claim, const struct object_id *subscription_id,
                        const struct object_id *event_id)
{
    return object_id_compare(&claim->subscription_id, subscription_id) == 0 &&
           object_id_compare(&claim->event_id, event_id) == 0;
}

static void nothing_is_claimed_before_it_is_due(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    claim_all(fixture, 500, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_true(claims->next_due_ms == INT64_MAX);
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = publish_at(fixture, "A.B", 1000, NULL);
    claim_all(fixture, 999, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_int_equal(claims->next_due_ms, 1000);
    claim_all(fixture, 1000, 10, claims);
    assert_int_equal(claims->count, 1);
    assert_true(is_claim_of(&claims->items[0], &id, &event));
    assert_int_equal(claims->items[0].lease_until_ms, 1000 + LEASE_MS);
    assert_memory_equal(&claims->items[0].organization_id, &fixture->org, sizeof fixture->org);
    free(claims);
}

static void a_lease_keeps_others_away_until_it_ends(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    claim_all(fixture, 1000, 10, claims);
    struct claim first = claims->items[0];
    claim_all(fixture, 1000 + LEASE_MS - 1, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_int_equal(claims->next_due_ms, 1000 + LEASE_MS);
    claim_all(fixture, 1000 + LEASE_MS, 10, claims);
    assert_int_equal(claims->count, 1);
    assert_true(claims->items[0].generation > first.generation);
    assert_int_equal(claims->items[0].attempt_count, 0);
    free(claims);
}

static void a_subscriptions_events_come_in_order(void **state)
{
    enum { EVENTS = 30 };
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id events[EVENTS];
    struct object_id id = add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, EVENTS, events);
    claim_all(fixture, 5000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, EVENTS);
    for (int i = 0; i < EVENTS; i++)
        assert_true(is_claim_of(&claims->items[i], &id, &events[i]));
    free(claims);
}

static void only_so_many_as_are_admitted_are_claimed(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    add_subscription(fixture, "s");
    add_subscription(fixture, "t");
    for (int i = 0; i < 5; i++)
        publish_at(fixture, "A.B", 1000 + i, NULL);
    claim_some(fixture, 5000, CLAIMS_MAX, 0, claims);
    assert_int_equal(claims->count, 0);
    assert_true(claims->next_due_ms == INT64_MAX);
    claim_some(fixture, 5000, CLAIMS_MAX, 2, claims);
    assert_int_equal(claims->count, 4);
    claim_some(fixture, 5000, 3, 100, claims);
    assert_int_equal(claims->count, 3);
    free(claims);
}

/* One after another with room for one each: everybody is served before anybody is served again. */
static void claiming_goes_round_the_subscriptions(void **state)
{
    enum { SUBSCRIPTIONS = 7, ROUNDS = 3 };
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id first_round[SUBSCRIPTIONS];
    for (int i = 0; i < SUBSCRIPTIONS; i++)
        add_subscription(fixture, (char[]){(char)('a' + i), '\0'});
    for (int i = 0; i < ROUNDS; i++)
        publish_at(fixture, "A.B", 1000 + i, NULL);
    for (int i = 0; i < SUBSCRIPTIONS * ROUNDS; i++) {
        claim_some(fixture, 5000, 1, 1, claims);
        assert_int_equal(claims->count, 1);
        struct object_id *id = &claims->items[0].subscription_id;
        if (i < SUBSCRIPTIONS) {
            for (int j = 0; j < i; j++)
                assert_int_not_equal(object_id_compare(&first_round[j], id), 0);
            first_round[i] = *id;
        } else {
            assert_int_equal(object_id_compare(&first_round[i % SUBSCRIPTIONS], id), 0);
        }
    }
    claim_some(fixture, 5000, 1, 1, claims);
    assert_int_equal(claims->count, 0);
    free(claims);
}

static void a_paused_subscriptions_deliveries_wait_and_then_come_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id events[3];
    struct object_id id = add_subscription(fixture, "s");
    change_subscription(fixture, &id, apply_pause);
    for (int i = 0; i < 3; i++)
        events[i] = publish_at(fixture, "A.B", 1000 + i, NULL);
    claim_all(fixture, 5000, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_int_equal(get_delivery(fixture, &id, &events[0]).status, DELIVERY_WAITING);
    change_subscription(fixture, &id, apply_resume);
    claim_all(fixture, 5000, 10, claims);
    assert_int_equal(claims->count, 3);
    for (int i = 0; i < 3; i++)
        assert_true(is_claim_of(&claims->items[i], &id, &events[i]));
    free(claims);
}

static void deleting_a_subscription_cancels_what_waits(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id events[250];
    struct object_id id = add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, 250, events);
    claim_all(fixture, 1000, 1, claims);
    assert_true(settle_one(fixture, &claims->items[0], 1000, DELIVERY_DELIVERED, 0));
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(get_delivery(fixture, &id, &events[0]).status, DELIVERY_DELIVERED);
    struct delivery before = get_delivery(fixture, &id, &events[249]);
    assert_int_equal(before.status, DELIVERY_CANCELLED);
    assert_true(before.finished_at_ms > 0);
    claim_all(fixture, 9000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, 0);
    struct delivery after = get_delivery(fixture, &id, &events[249]);
    assert_int_equal(after.status, DELIVERY_CANCELLED);
    assert_int_equal(after.finished_at_ms, before.finished_at_ms);
    assert_int_equal(get_delivery(fixture, &id, &events[0]).status, DELIVERY_DELIVERED);
    free(claims);
}

static void figures_tell_what_is_due(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct store_statistics figures;
    struct spec paused = {.name = "paused", .event = "A.Paused", .paused = true};
    struct spec active = {.name = "active", .event = "A.Active"};
    assert_int_equal(store_statistics(fixture->store, 5000, &figures), STATUS_OK);
    assert_int_equal(figures.oldest_due_ms, 0);
    assert_int_equal(figures.waiting_subscriptions, 0);
    assert_int_equal(try_subscription(fixture, &paused), STATUS_OK);
    assert_int_equal(try_subscription(fixture, &active), STATUS_OK);
    publish_at(fixture, "A.Paused", 1000, NULL);
    publish_at(fixture, "A.Active", 2000, NULL);
    claim_some(fixture, 5000, 10, 0, claims);
    assert_int_equal(store_statistics(fixture->store, 5000, &figures), STATUS_OK);
    assert_int_equal(figures.oldest_due_ms, 2000);
    assert_int_equal(figures.waiting_subscriptions, 2);
    claim_all(fixture, 5000, 10, claims);
    assert_int_equal(store_statistics(fixture->store, 5000, &figures), STATUS_OK);
    assert_int_equal(figures.oldest_due_ms, 0); /* it is being worked on */
    free(claims);
}

static void the_oldest_event_that_nobody_took_over_is_told(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct spec active = {.name = "active", .event = "A.Active"};
    int64_t created_at_ms = -1;
    assert_int_equal(store_oldest_new_event(fixture->store, &created_at_ms), STATUS_OK);
    assert_int_equal(created_at_ms, 0);
    assert_int_equal(try_subscription(fixture, &active), STATUS_OK);
    publish_at(fixture, "A.Nobody", 500, NULL);
    publish_at(fixture, "A.Active", 2000, NULL);
    publish_at(fixture, "A.Active", 1000, NULL);
    assert_int_equal(store_oldest_new_event(fixture->store, &created_at_ms), STATUS_OK);
    assert_int_equal(created_at_ms, 1000);
    claim_some(fixture, 5000, 10, 0, claims);
    assert_int_equal(store_oldest_new_event(fixture->store, &created_at_ms), STATUS_OK);
    assert_int_equal(created_at_ms, 0);
    free(claims);
}

int run_claim_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(nothing_is_claimed_before_it_is_due),
        CONFORMANCE_TEST(a_lease_keeps_others_away_until_it_ends),
        CONFORMANCE_TEST(a_subscriptions_events_come_in_order),
        CONFORMANCE_TEST(only_so_many_as_are_admitted_are_claimed),
        CONFORMANCE_TEST(claiming_goes_round_the_subscriptions),
        CONFORMANCE_TEST(a_paused_subscriptions_deliveries_wait_and_then_come_in_order),
        CONFORMANCE_TEST(deleting_a_subscription_cancels_what_waits),
        CONFORMANCE_TEST(figures_tell_what_is_due),
        CONFORMANCE_TEST(the_oldest_event_that_nobody_took_over_is_told),
    };
    return cmocka_run_group_tests_name("claiming", tests, NULL, NULL);
}
