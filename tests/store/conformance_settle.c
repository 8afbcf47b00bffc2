/* The ends of leases: settlements and releases, and what fences them. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

/* A subscription with one event, claimed at 1000. */
struct claimed {
    struct object_id id;
    struct object_id event;
    struct claim claim;
};

static struct claimed claim_one(struct fixture *fixture)
{
    struct claimed claimed;
    struct claims *claims = claims_new();
    claimed.id = add_subscription(fixture, "s");
    claimed.event = publish_at(fixture, "A.B", 1000, NULL);
    claim_all(fixture, 1000, 10, claims);
    assert_int_equal(claims->count, 1);
    claimed.claim = claims->items[0];
    free(claims);
    return claimed;
}

static size_t count_due(struct fixture *fixture, int64_t now_ms)
{
    struct claims *claims = claims_new();
    claim_all(fixture, now_ms, 10, claims);
    size_t count = claims->count;
    free(claims);
    return count;
}

static void what_was_delivered_is_finished(void **state)
{
    struct fixture *fixture = *state;
    struct claimed claimed = claim_one(fixture);
    assert_true(settle_one(fixture, &claimed.claim, 1100, DELIVERY_DELIVERED, 0));
    struct delivery delivery = get_delivery(fixture, &claimed.id, &claimed.event);
    assert_int_equal(delivery.status, DELIVERY_DELIVERED);
    assert_int_equal(delivery.attempt_count, 1);
    assert_int_equal(delivery.finished_at_ms, 1100);
    assert_int_equal(count_due(fixture, 1000000), 0);
}

static void what_is_to_be_retried_is_due_again_then(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct claimed claimed = claim_one(fixture);
    assert_true(settle_one(fixture, &claimed.claim, 1100, DELIVERY_WAITING, 6100));
    struct delivery delivery = get_delivery(fixture, &claimed.id, &claimed.event);
    assert_int_equal(delivery.status, DELIVERY_WAITING);
    assert_int_equal(delivery.next_attempt_at_ms, 6100);
    assert_int_equal(delivery.finished_at_ms, 0);
    claim_all(fixture, 6099, 10, claims);
    assert_int_equal(claims->count, 0);
    assert_int_equal(claims->next_due_ms, 6100);
    claim_all(fixture, 6100, 10, claims);
    assert_int_equal(claims->count, 1);
    assert_int_equal(claims->items[0].attempt_count, 1);
    assert_int_equal(claims->items[0].budget_used, 1);
    assert_true(settle_one(fixture, &claims->items[0], 6200, DELIVERY_FAILED, 0));
    delivery = get_delivery(fixture, &claimed.id, &claimed.event);
    assert_int_equal(delivery.status, DELIVERY_FAILED);
    assert_int_equal(delivery.attempt_count, 2);
    free(claims);
}

static void attempts_are_kept_by_number(void **state)
{
    struct fixture *fixture = *state;
    struct claimed claimed = claim_one(fixture);
    struct attempt found;
    struct settlement settlement = {.claim = claimed.claim, .status = DELIVERY_WAITING, .due_at_ms = 9000};
    settlement.attempt.number = 1;
    settlement.attempt.duration_ms = 42;
    settlement.attempt.error = ATTEMPT_TIMEOUT;
    buf_append_text(&settlement.attempt.response_body, "sorry");
    assert_int_equal(store_settle(fixture->store, 1100, &settlement, 1), STATUS_OK);
    assert_true(settlement.was_applied);
    attempt_clear(&settlement.attempt);
    assert_int_equal(store_attempt_get(fixture->store, &claimed.id, &claimed.event, 1, &found), STATUS_OK);
    assert_int_equal(found.duration_ms, 42);
    assert_int_equal(found.error, ATTEMPT_TIMEOUT);
    assert_string_equal(buf_text(&found.response_body), "sorry");
    attempt_clear(&found);
    assert_int_equal(store_attempt_get(fixture->store, &claimed.id, &claimed.event, 2, &found), STATUS_NOT_FOUND);
}

static void a_settlement_counts_once(void **state)
{
    struct fixture *fixture = *state;
    struct claimed claimed = claim_one(fixture);
    assert_true(settle_one(fixture, &claimed.claim, 1100, DELIVERY_WAITING, 2000));
    assert_false(settle_one(fixture, &claimed.claim, 1100, DELIVERY_DELIVERED, 0));
    assert_int_equal(get_delivery(fixture, &claimed.id, &claimed.event).attempt_count, 1);
}

static void a_settlement_after_its_lease_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct attempt none;
    struct claimed claimed = claim_one(fixture);
    assert_false(settle_one(fixture, &claimed.claim, 1000 + LEASE_MS, DELIVERY_DELIVERED, 0));
    assert_int_equal(get_delivery(fixture, &claimed.id, &claimed.event).status, DELIVERY_WAITING);
    assert_int_equal(store_attempt_get(fixture->store, &claimed.id, &claimed.event, 1, &none), STATUS_NOT_FOUND);
    assert_int_equal(count_due(fixture, 1000 + LEASE_MS), 1);
}

static void a_settlement_under_a_later_claim_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct claimed claimed = claim_one(fixture);
    claim_all(fixture, 1000 + LEASE_MS, 10, claims);
    assert_int_equal(claims->count, 1);
    assert_false(settle_one(fixture, &claimed.claim, 1000 + LEASE_MS, DELIVERY_FAILED, 0));
    assert_true(settle_one(fixture, &claims->items[0], 1001 + LEASE_MS, DELIVERY_DELIVERED, 0));
    free(claims);
}

static void a_released_claim_is_due_at_once_and_not_counted(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct claimed claimed = claim_one(fixture);
    assert_int_equal(store_release(fixture->store, 1100, &claimed.claim, 1), STATUS_OK);
    claim_all(fixture, 1100, 10, claims);
    assert_int_equal(claims->count, 1);
    assert_int_equal(claims->items[0].attempt_count, 0);
    assert_false(settle_one(fixture, &claimed.claim, 1100, DELIVERY_DELIVERED, 0));
    assert_int_equal(store_release(fixture->store, 1100, &claimed.claim, 1), STATUS_OK); /* fenced as well */
    assert_int_equal(count_due(fixture, 1100), 0);
    free(claims);
}

static void what_is_settled_after_its_subscription_went_is_cancelled(void **state)
{
    struct fixture *fixture = *state;
    struct claimed claimed = claim_one(fixture);
    change_subscription(fixture, &claimed.id, apply_delete);
    assert_true(settle_one(fixture, &claimed.claim, 1100, DELIVERY_WAITING, 2000));
    struct delivery delivery = get_delivery(fixture, &claimed.id, &claimed.event);
    assert_int_equal(delivery.status, DELIVERY_CANCELLED);
    assert_int_equal(delivery.attempt_count, 1);
    assert_int_equal(count_due(fixture, 1000000), 0);
}

static void many_are_settled_at_once(void **state)
{
    enum { MANY = 450 };
    struct object_id events[MANY];
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct settlement *settlements = mem_calloc(MANY, sizeof *settlements);
    add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, MANY, events);
    claim_all(fixture, 2000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, MANY);
    for (size_t i = 0; i < MANY; i++)
        settlements[i] = (struct settlement){.claim = claims->items[i], .status = DELIVERY_DELIVERED};
    assert_int_equal(store_settle(fixture->store, 2100, settlements, MANY), STATUS_OK);
    for (size_t i = 0; i < MANY; i++)
        assert_true(settlements[i].was_applied);
    free(settlements);
    free(claims);
}

int run_settle_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(what_was_delivered_is_finished),
        CONFORMANCE_TEST(what_is_to_be_retried_is_due_again_then),
        CONFORMANCE_TEST(attempts_are_kept_by_number),
        CONFORMANCE_TEST(a_settlement_counts_once),
        CONFORMANCE_TEST(a_settlement_after_its_lease_changes_nothing),
        CONFORMANCE_TEST(a_settlement_under_a_later_claim_changes_nothing),
        CONFORMANCE_TEST(a_released_claim_is_due_at_once_and_not_counted),
        CONFORMANCE_TEST(what_is_settled_after_its_subscription_went_is_cancelled),
        CONFORMANCE_TEST(many_are_settled_at_once),
    };
    return cmocka_run_group_tests_name("settling", tests, NULL, NULL);
}
