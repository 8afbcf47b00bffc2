/* Forced deliveries: an event for one subscription alone, sent even while that is paused. */
#include "conformance.h"

static struct object_id force(struct fixture *fixture, const struct object_id *id, int64_t now_ms)
{
    struct event event = make_event(fixture, "Webhook.Test", now_ms);
    struct object_id event_id = event.id;
    assert_int_equal(store_publish_forced(fixture->store, id, &event, NULL), STATUS_OK);
    assert_int_equal(event.subscription_count, 1);
    event_clear(&event);
    return event_id;
}

static struct admission admit_one(void *context, const struct subscription *subscription)
{
    (void)context;
    assert_false(subscription->is_deleted);
    return (struct admission){1, LEASE_MS};
}

static struct claim claim_forced(struct fixture *fixture, int64_t now_ms)
{
    struct claim claim = {.generation = 0};
    size_t count;
    int64_t next_due_ms;
    const struct claimer claimer = {.admit = admit_one};
    assert_int_equal(store_claim(fixture->store, now_ms, 1, &claimer, &claim, &count, &next_due_ms), STATUS_OK);
    return claim;
}

static void a_forced_one_is_claimed_while_its_subscription_is_paused(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id waiting = publish_at(fixture, "A.B", 1000, NULL);
    change_subscription(fixture, &id, apply_pause);
    struct object_id event = force(fixture, &id, 2000);
    struct claim claim = claim_forced(fixture, 2000);
    assert_true(claim.is_forced);
    assert_int_equal(object_id_compare(&claim.event_id, &event), 0);
    assert_int_equal(claim_forced(fixture, 2000).generation, 0);
    assert_true(settle_one(fixture, &claim, 2100, DELIVERY_WAITING, 4000));
    claim = claim_forced(fixture, 4000); /* its retry is forced as well */
    assert_true(claim.is_forced);
    assert_int_equal(store_release(fixture->store, 4001, &claim, 1), STATUS_OK);
    claim = claim_forced(fixture, 4001);
    assert_true(settle_one(fixture, &claim, 4100, DELIVERY_FAILED, 0));
    retry_delivery(fixture, &id, &event, 5000);
    assert_true(claim_forced(fixture, 5000).is_forced);
    assert_int_equal(get_delivery(fixture, &id, &waiting).status, DELIVERY_WAITING);
}

static void a_forced_one_comes_before_others(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    struct object_id event = force(fixture, &id, 2000);
    struct claim claim = claim_forced(fixture, 2000);
    assert_int_equal(object_id_compare(&claim.event_id, &event), 0);
    claim = claim_forced(fixture, 2000);
    assert_false(claim.is_forced);
    assert_true(claim.generation > 0);
}

static void a_forced_one_is_cancelled_with_its_subscription(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct object_id event = force(fixture, &id, 2000);
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(claim_forced(fixture, 2000).generation, 0);
    assert_int_equal(get_delivery(fixture, &id, &event).status, DELIVERY_CANCELLED);
    struct event late = make_event(fixture, "Webhook.Test", 3000);
    struct event none;
    assert_int_equal(store_publish_forced(fixture->store, &id, &late, NULL), STATUS_NOT_FOUND);
    assert_int_equal(store_event_get(fixture->store, &late.id, &none), STATUS_NOT_FOUND);
    event_clear(&late);
}

static void a_forced_one_counts_as_due_while_paused(void **state)
{
    struct fixture *fixture = *state;
    struct store_statistics figures;
    struct object_id id = add_subscription(fixture, "s");
    change_subscription(fixture, &id, apply_pause);
    force(fixture, &id, 2000);
    assert_int_equal(store_statistics(fixture->store, 5000, &figures), STATUS_OK);
    assert_int_equal(figures.oldest_due_ms, 2000);
}

int run_forced_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_forced_one_is_claimed_while_its_subscription_is_paused),
        CONFORMANCE_TEST(a_forced_one_comes_before_others),
        CONFORMANCE_TEST(a_forced_one_is_cancelled_with_its_subscription),
        CONFORMANCE_TEST(a_forced_one_counts_as_due_while_paused),
    };
    return cmocka_run_group_tests_name("forced deliveries", tests, NULL, NULL);
}
