/* Recovering the failures of a window. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static struct recovery recover(struct fixture *fixture, const struct object_id *id, int64_t since_ms, int64_t until_ms,
                               int64_t now_ms)
{
    struct recovery recovery = {&fixture->org, id, since_ms, until_ms, 0, false};
    assert_int_equal(store_recover(fixture->store, now_ms, &recovery, NULL), STATUS_OK);
    return recovery;
}

/* Each of `count` events fails in a millisecond of its own, from 2000 on. */
static struct object_id fail_many(struct fixture *fixture, size_t count, struct object_id *events)
{
    struct claims *claims = claims_new();
    struct object_id id = add_subscription(fixture, "s");
    publish_many(fixture, "A.B", 1000, count, events);
    claim_all(fixture, 1900, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, count);
    for (size_t i = 0; i < count; i++)
        assert_true(settle_one(fixture, &claims->items[i], 2000 + (int64_t)i, DELIVERY_FAILED, 0));
    free(claims);
    return id;
}

static void a_windows_failures_are_due_again(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[10];
    struct claims *claims = claims_new();
    struct object_id id = fail_many(fixture, 10, events);
    struct recovery recovery = recover(fixture, &id, 2003, 2006, 5000);
    assert_int_equal(recovery.requeued, 3);
    assert_false(recovery.has_more);
    for (int i = 0; i < 10; i++) {
        bool is_in = i >= 3 && i < 6;
        struct delivery delivery = get_delivery(fixture, &id, &events[i]);
        assert_int_equal(delivery.status, is_in ? DELIVERY_WAITING : DELIVERY_FAILED);
        assert_int_equal(delivery.budget_used, is_in ? 0 : 1);
    }
    claim_all(fixture, 5000, 100, claims);
    assert_int_equal(claims->count, 3);
    assert_int_equal(recover(fixture, &id, 2003, 2006, 6000).requeued, 0);
    free(claims);
}

static void only_so_many_are_recovered_at_once_the_oldest_first(void **state)
{
    enum { MANY = STORE_RECOVER_MAX + 7 };
    struct fixture *fixture = *state;
    struct object_id events[MANY];
    struct object_id id = fail_many(fixture, MANY, events);
    struct recovery recovery = recover(fixture, &id, 0, INT64_MAX, 5000);
    assert_int_equal(recovery.requeued, STORE_RECOVER_MAX);
    assert_true(recovery.has_more);
    assert_int_equal(get_delivery(fixture, &id, &events[STORE_RECOVER_MAX - 1]).status, DELIVERY_WAITING);
    assert_int_equal(get_delivery(fixture, &id, &events[STORE_RECOVER_MAX]).status, DELIVERY_FAILED);
    recovery = recover(fixture, &id, 0, INT64_MAX, 5000);
    assert_int_equal(recovery.requeued, 7);
    assert_false(recovery.has_more);
}

static void what_did_not_stay_failed_is_not_recovered(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[3];
    struct object_id id = fail_many(fixture, 3, events);
    retry_delivery(fixture, &id, &events[1], 3000);
    struct claim claim = claim_at(fixture, 3000);
    assert_true(settle_one(fixture, &claim, 3100, DELIVERY_FAILED, 0)); /* in another millisecond now */
    assert_int_equal(recover(fixture, &id, 2000, 2100, 5000).requeued, 2);
    assert_int_equal(recover(fixture, &id, 3100, 3101, 5000).requeued, 1);
}

static void nothing_is_recovered_of_what_is_gone_or_anothers(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[1];
    struct uuid own = fixture->org;
    struct object_id id = fail_many(fixture, 1, events);
    struct recovery recovery = {&fixture->org, &id, 0, INT64_MAX, 0, false};
    uuid_make(&fixture->org);
    assert_int_equal(store_recover(fixture->store, 5000, &recovery, NULL), STATUS_NOT_FOUND);
    fixture->org = own;
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(store_recover(fixture->store, 5000, &recovery, NULL), STATUS_NOT_FOUND);
    assert_int_equal(get_delivery(fixture, &id, &events[0]).status, DELIVERY_FAILED);
}

static void render_recovery(void *context, struct buf *kept)
{
    const struct recovery *recovery = context;
    buf_printf(kept, "%zu", recovery->requeued);
}

enum { CLIENTS = 4, RECOVERED = 450 };
static struct object_id recovered_id;

/* With one key for all of them: what the answer says. */
static int recover_once(struct fixture *fixture, int index)
{
    (void)index;
    struct recovery recovery = {&fixture->org, &recovered_id, 0, INT64_MAX, 0, false};
    struct idempotency idempotency = {.key = {2}, .now_ms = 1000, .expires_at_ms = 1000000};
    struct answer answer = {.idempotency = &idempotency, .render = render_recovery, .context = &recovery};
    enum status status = store_recover(fixture->store, 5000, &recovery, &answer);
    bool is_right = (status == STATUS_OK || status == STATUS_REPLAY) && strcmp(buf_text(&answer.kept), "450") == 0;
    buf_clear(&answer.kept);
    return !is_right ? 100 : status == STATUS_OK;
}

static void clients_with_one_key_recover_once(void **state)
{
    struct fixture *fixture = *state;
    struct object_id events[RECOVERED];
    recovered_id = fail_many(fixture, RECOVERED, events);
    assert_int_equal(run_children(fixture, CLIENTS, recover_once), 1);
}

int run_recover_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_windows_failures_are_due_again),
        CONFORMANCE_TEST(only_so_many_are_recovered_at_once_the_oldest_first),
        CONFORMANCE_TEST(what_did_not_stay_failed_is_not_recovered),
        CONFORMANCE_TEST(nothing_is_recovered_of_what_is_gone_or_anothers),
        CONFORMANCE_TEST(clients_with_one_key_recover_once),
    };
    return cmocka_run_group_tests_name("recovering", tests, NULL, NULL);
}
