/* What is done by hand to one delivery: again, or not at all. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* One event, published at 1000. */
struct sent {
    struct object_id id;
    struct object_id event;
};

static struct sent send_one(struct fixture *fixture, const char *name)
{
    struct sent sent = {.id = add_subscription(fixture, name)};
    sent.event = publish_at(fixture, "A.B", 1000, NULL);
    return sent;
}

static enum status try_retry(struct fixture *fixture, const struct sent *sent, int64_t now_ms,
                             struct delivery_entry *out)
{
    return store_delivery_retry(fixture->store, &fixture->org, &sent->id, &sent->event, now_ms, out, NULL);
}

static enum status try_cancel(struct fixture *fixture, const struct sent *sent, int64_t now_ms)
{
    struct delivery_entry entry;
    return store_delivery_cancel(fixture->store, &fixture->org, &sent->id, &sent->event, now_ms, &entry, NULL);
}

static struct sent fail_one(struct fixture *fixture, int64_t finished_at_ms)
{
    struct sent sent = send_one(fixture, "s");
    struct claim claim = claim_at(fixture, 1000);
    assert_true(settle_one(fixture, &claim, finished_at_ms, DELIVERY_FAILED, 0));
    return sent;
}

/* ---- retry ---- */

static void what_failed_is_due_again_with_a_fresh_budget(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = fail_one(fixture, 1100);
    struct delivery delivery = retry_delivery(fixture, &sent.id, &sent.event, 5000);
    assert_int_equal(delivery.status, DELIVERY_WAITING);
    assert_int_equal(delivery.next_attempt_at_ms, 5000);
    assert_int_equal(claim_at(fixture, 4999).generation, 0);
    struct claim claim = claim_at(fixture, 5000);
    assert_int_equal(claim.attempt_count, 1);
    assert_int_equal(claim.budget_used, 0);
    assert_true(settle_one(fixture, &claim, 5100, DELIVERY_DELIVERED, 0));
    assert_int_equal(get_delivery(fixture, &sent.id, &sent.event).attempt_count, 2);
    retry_delivery(fixture, &sent.id, &sent.event, 6000);
    assert_int_equal(claim_at(fixture, 6000).attempt_count, 2);
}

static void what_waits_is_due_now_and_once(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = send_one(fixture, "s");
    struct claim claim = claim_at(fixture, 1000);
    assert_true(settle_one(fixture, &claim, 1100, DELIVERY_WAITING, 90000));
    assert_int_equal(retry_delivery(fixture, &sent.id, &sent.event, 2000).next_attempt_at_ms, 2000);
    claim = claim_at(fixture, 2000);
    assert_int_equal(claim.budget_used, 1);
    assert_true(settle_one(fixture, &claim, 2100, DELIVERY_DELIVERED, 0));
    assert_int_equal(claim_at(fixture, 1000000).generation, 0); /* nothing is left where it waited before */
}

static void what_is_being_attempted_stays_under_its_lease(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = send_one(fixture, "s");
    struct claim claim = claim_at(fixture, 1000);
    assert_int_equal(retry_delivery(fixture, &sent.id, &sent.event, 1001).generation, claim.generation);
    assert_int_equal(claim_at(fixture, 1000 + LEASE_MS - 1).generation, 0);
    assert_true(settle_one(fixture, &claim, 1100, DELIVERY_DELIVERED, 0));
}

static void without_its_subscription_nothing_is_tried_again(void **state)
{
    struct fixture *fixture = *state;
    struct delivery_entry entry;
    struct sent sent = fail_one(fixture, 1100);
    change_subscription(fixture, &sent.id, apply_delete);
    assert_int_equal(try_retry(fixture, &sent, 2000, &entry), STATUS_CONFLICT);
    assert_int_equal(get_delivery(fixture, &sent.id, &sent.event).status, DELIVERY_FAILED);
}

static void what_is_unknown_or_anothers_is_not_found(void **state)
{
    struct fixture *fixture = *state;
    struct delivery_entry entry;
    struct sent sent = fail_one(fixture, 1100);
    struct sent none = {.id = sent.id, .event = {{0xff}}};
    assert_int_equal(try_retry(fixture, &none, 2000, &entry), STATUS_NOT_FOUND);
    assert_int_equal(try_cancel(fixture, &none, 2000), STATUS_NOT_FOUND);
    uuid_make(&fixture->org);
    assert_int_equal(try_retry(fixture, &sent, 2000, &entry), STATUS_NOT_FOUND);
    assert_int_equal(try_cancel(fixture, &sent, 2000), STATUS_NOT_FOUND);
    struct delivery delivery;
    assert_int_equal(store_delivery_get(fixture->store, &fixture->org, &sent.id, &sent.event, &delivery),
                     STATUS_NOT_FOUND);
}

/* ---- cancel ---- */

static void what_waits_is_cancelled_for_good(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = send_one(fixture, "s");
    assert_int_equal(try_cancel(fixture, &sent, 2000), STATUS_OK);
    struct delivery delivery = get_delivery(fixture, &sent.id, &sent.event);
    assert_int_equal(delivery.status, DELIVERY_CANCELLED);
    assert_int_equal(delivery.finished_at_ms, 2000);
    assert_int_equal(claim_at(fixture, 1000000).generation, 0);
    assert_int_equal(try_cancel(fixture, &sent, 3000), STATUS_CONFLICT);
    assert_int_equal(get_delivery(fixture, &sent.id, &sent.event).finished_at_ms, 2000);
}

static void a_settlement_after_it_was_cancelled_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = send_one(fixture, "s");
    struct claim claim = claim_at(fixture, 1000);
    assert_int_equal(try_cancel(fixture, &sent, 1050), STATUS_OK);
    assert_false(settle_one(fixture, &claim, 1100, DELIVERY_DELIVERED, 0));
    struct delivery delivery = get_delivery(fixture, &sent.id, &sent.event);
    assert_int_equal(delivery.status, DELIVERY_CANCELLED);
    assert_int_equal(delivery.attempt_count, 0);
}

static void what_was_cancelled_under_way_is_tried_again_when_that_lease_has_ended(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = send_one(fixture, "s");
    struct claim first = claim_at(fixture, 1000);
    assert_int_equal(try_cancel(fixture, &sent, 1050), STATUS_OK);
    assert_int_equal(retry_delivery(fixture, &sent.id, &sent.event, 1100).next_attempt_at_ms, first.lease_until_ms);
    assert_int_equal(try_cancel(fixture, &sent, 1150), STATUS_OK);
    assert_int_equal(retry_delivery(fixture, &sent.id, &sent.event, 1200).next_attempt_at_ms, first.lease_until_ms);
    assert_false(settle_one(fixture, &first, 1300, DELIVERY_DELIVERED, 0));
    assert_int_equal(claim_at(fixture, first.lease_until_ms - 1).generation, 0);
    struct claim second = claim_at(fixture, first.lease_until_ms);
    assert_true(second.generation > first.generation);
    assert_false(settle_one(fixture, &first, first.lease_until_ms, DELIVERY_FAILED, 0));
    assert_true(settle_one(fixture, &second, first.lease_until_ms + 1, DELIVERY_DELIVERED, 0));
}

/* Before a worker took the event over: neither its rows nor those in the order of work are there. */
static void what_has_no_row_yet_can_be_cancelled_and_tried_again(void **state)
{
    enum { WIDE = 501, CANCELLED = 3 };
    struct fixture *fixture = *state;
    struct event event;
    for (int i = 0; i < WIDE; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        add_subscription(fixture, name);
    }
    struct object_id id = publish_at(fixture, "A.B", 1000, NULL);
    assert_int_equal(store_event_get(fixture->store, &id, &event), STATUS_OK);
    assert_true(event.expanded_count < WIDE);
    struct sent sents[CANCELLED] = {{event.subscriptions[0], id},        /* with a row */
                                    {event.subscriptions[WIDE - 1], id}, /* without */
                                    {event.subscriptions[WIDE / 2], id}};
    for (int i = 0; i < CANCELLED; i++)
        assert_int_equal(try_cancel(fixture, &sents[i], 1000), STATUS_OK);
    assert_int_equal(retry_delivery(fixture, &sents[1].id, &sents[1].event, 1000).status,
                     DELIVERY_WAITING); /* in the event's own millisecond */
    struct claims *claims = claims_new();
    claim_all(fixture, 5000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, WIDE - CANCELLED + 1);
    for (int i = 0; i < CANCELLED; i++) {
        struct delivery delivery = get_delivery(fixture, &sents[i].id, &id);
        assert_int_equal(delivery.status, i == 1 ? DELIVERY_WAITING : DELIVERY_CANCELLED);
        assert_int_equal(delivery.lease_until_ms != 0, i == 1);
    }
    event_clear(&event);
    free(claims);
}

/* ---- once ---- */

static void render_status(void *context, struct buf *kept)
{
    const struct delivery_entry *entry = context;
    buf_printf(kept, "%s %s", delivery_status_name(entry->delivery.status), entry->event.name);
}

static void a_repeat_is_the_first_answer_and_nothing_else(void **state)
{
    struct fixture *fixture = *state;
    struct sent sent = fail_one(fixture, 1100);
    struct delivery_entry entry;
    struct idempotency idempotency = {.key = {1}, .now_ms = 1000, .expires_at_ms = 1000000};
    struct answer answer = {.idempotency = &idempotency, .render = render_status, .context = &entry};
    assert_int_equal(store_delivery_retry(fixture->store, &fixture->org, &sent.id, &sent.event, 2000, &entry, &answer),
                     STATUS_OK);
    assert_string_equal(buf_text(&answer.kept), "WAITING A.B");
    struct claim claim = claim_at(fixture, 2000);
    assert_true(settle_one(fixture, &claim, 2100, DELIVERY_DELIVERED, 0));
    change_subscription(fixture, &sent.id, apply_delete);
    assert_int_equal(store_delivery_retry(fixture->store, &fixture->org, &sent.id, &sent.event, 3000, &entry, &answer),
                     STATUS_REPLAY);
    assert_string_equal(buf_text(&answer.kept), "WAITING A.B");
    assert_int_equal(get_delivery(fixture, &sent.id, &sent.event).status, DELIVERY_DELIVERED);
    buf_clear(&answer.kept);
}

/* ---- at once ---- */

enum { TURNS = 60 };
static struct sent contested;

/* Two cancel and retry, one claims and settles: whoever is told that something was done was the only one. */
static int contend(struct fixture *fixture, int index)
{
    struct claims *claims = claims_new();
    for (int i = 0; i < TURNS; i++) {
        struct delivery_entry entry;
        int64_t now_ms = 2000 + i;
        if (index == 0) {
            claim_all(fixture, now_ms, 10, claims);
            for (size_t j = 0; j < claims->count; j++)
                (void)settle_one(fixture, &claims->items[j], now_ms, DELIVERY_FAILED, 0);
            continue;
        }
        enum status status =
            index == 1 ? try_cancel(fixture, &contested, now_ms) : try_retry(fixture, &contested, now_ms, &entry);
        if (status != STATUS_OK && status != STATUS_CONFLICT)
            return 100;
    }
    free(claims);
    return 1;
}

static size_t count_recoverable(struct fixture *fixture, const struct object_id *id)
{
    struct recovery recovery = {&fixture->org, id, 0, INT64_MAX, 0, false};
    assert_int_equal(store_recover(fixture->store, 2000000, &recovery, NULL), STATUS_OK);
    return recovery.requeued;
}

static void cancel_retry_and_settlement_at_once_leave_one_whole_state(void **state)
{
    struct fixture *fixture = *state;
    contested = send_one(fixture, "s");
    assert_int_equal(run_children(fixture, 4, contend), 4);
    retry_delivery(fixture, &contested.id, &contested.event, 900000);
    struct claim claim = claim_at(fixture, 1000000);
    assert_true(claim.generation > 0);
    assert_true(settle_one(fixture, &claim, 1000001, DELIVERY_DELIVERED, 0));
    assert_int_equal(claim_at(fixture, 2000000).generation, 0);
    assert_int_equal(count_recoverable(fixture, &contested.id), 0);
    struct delivery delivery = get_delivery(fixture, &contested.id, &contested.event);
    for (uint32_t number = 1; number <= delivery.attempt_count; number++) {
        struct attempt attempt;
        assert_int_equal(store_attempt_get(fixture->store, &contested.id, &contested.event, number, &attempt),
                         STATUS_OK);
        attempt_clear(&attempt);
    }
}

int run_hand_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(what_failed_is_due_again_with_a_fresh_budget),
        CONFORMANCE_TEST(what_waits_is_due_now_and_once),
        CONFORMANCE_TEST(what_is_being_attempted_stays_under_its_lease),
        CONFORMANCE_TEST(without_its_subscription_nothing_is_tried_again),
        CONFORMANCE_TEST(what_is_unknown_or_anothers_is_not_found),
        CONFORMANCE_TEST(what_waits_is_cancelled_for_good),
        CONFORMANCE_TEST(a_settlement_after_it_was_cancelled_changes_nothing),
        CONFORMANCE_TEST(what_was_cancelled_under_way_is_tried_again_when_that_lease_has_ended),
        CONFORMANCE_TEST(what_has_no_row_yet_can_be_cancelled_and_tried_again),
        CONFORMANCE_TEST(a_repeat_is_the_first_answer_and_nothing_else),
        CONFORMANCE_TEST(cancel_retry_and_settlement_at_once_leave_one_whole_state),
    };
    return cmocka_run_group_tests_name("by hand", tests, NULL, NULL);
}
