/* Probes: asked for once, made under a lease, and about the subscription as it is. */
#include "conformance.h"

#include <string.h>

static const struct object_id from_start = {{0}};

static enum status apply_signing(void *context, int64_t now_ms, struct subscription *subscription)
{
    subscription->secrets.items[0] = (struct secret){.created_at_ms = now_ms};
    subscription->secrets.count = 1;
    return apply_nothing(context, now_ms, subscription);
}

static enum status apply_unsigning(void *context, int64_t now_ms, struct subscription *subscription)
{
    secret_list_clear(&subscription->secrets);
    return apply_nothing(context, now_ms, subscription);
}

static struct object_id add_signed(struct fixture *fixture, const char *name)
{
    struct object_id id = add_subscription(fixture, name);
    change_subscription(fixture, &id, apply_signing);
    return id;
}

static void render_probe(void *context, struct buf *kept)
{
    const struct probe *probe = context;
    buf_append(kept, &probe->requested_at_ms, sizeof probe->requested_at_ms);
}

static enum status request(struct fixture *fixture, const struct object_id *id, struct probe *out)
{
    struct answer answer = {.render = render_probe, .context = out};
    enum status status = store_probe_request(fixture->store, &fixture->org, id, out, &answer);
    if (status == STATUS_OK)
        assert_memory_equal(answer.kept.data, &out->requested_at_ms, sizeof out->requested_at_ms);
    buf_clear(&answer.kept);
    return status;
}

static int64_t ask(struct fixture *fixture, const struct object_id *id)
{
    struct probe probe;
    assert_int_equal(request(fixture, id, &probe), STATUS_OK);
    assert_int_equal(probe.status, PROBE_PENDING);
    return probe.requested_at_ms;
}

static struct probe get(struct fixture *fixture, const struct object_id *id)
{
    struct probe probe;
    assert_int_equal(store_probe_get(fixture->store, &fixture->org, id, &probe), STATUS_OK);
    return probe;
}

static bool has_none(struct fixture *fixture, const struct object_id *id)
{
    struct probe probe;
    return store_probe_get(fixture->store, &fixture->org, id, &probe) == STATUS_NOT_FOUND;
}

static struct admission admit_count(void *context, const struct subscription *subscription)
{
    const size_t *count = context;
    assert_false(subscription->is_deleted);
    return (struct admission){*count, LEASE_MS};
}

static enum status claim_behind(struct fixture *fixture, const struct object_id *after, int64_t now_ms, size_t admitted,
                                struct probe_claim *out, int64_t *next_due_ms)
{
    return store_probe_claim(fixture->store, now_ms, after, admit_count, &admitted, out, next_due_ms);
}

/* The only one that there is. */
static struct probe_claim claim_probe_at(struct fixture *fixture, int64_t now_ms)
{
    struct probe_claim claim;
    int64_t next_due_ms = INT64_MAX;
    assert_int_equal(claim_behind(fixture, &from_start, now_ms, 1, &claim, &next_due_ms), STATUS_OK);
    assert_int_equal(claim.lease_until_ms, now_ms + LEASE_MS);
    return claim;
}

static bool has_due(struct fixture *fixture, int64_t now_ms)
{
    struct store_statistics figures;
    assert_int_equal(store_statistics(fixture->store, now_ms, &figures), STATUS_OK);
    return figures.has_probe_due;
}

/* STATUS_NOT_FOUND expected; when something will be due. */
static int64_t next_due(struct fixture *fixture, int64_t now_ms)
{
    struct probe_claim claim;
    int64_t next_due_ms = INT64_MAX;
    assert_int_equal(claim_behind(fixture, &from_start, now_ms, 1, &claim, &next_due_ms), STATUS_NOT_FOUND);
    return next_due_ms;
}

static bool finish(struct fixture *fixture, const struct probe_claim *claim, int64_t now_ms)
{
    struct subscription subscription;
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &claim->subscription_id, &subscription),
                     STATUS_OK);
    struct probe_settlement settlement = {
        .claim = *claim, .version = subscription.version, .replies = {{200, 0, 3}, {401, 0, 4}}};
    subscription_clear(&subscription);
    assert_int_equal(store_probe_finish(fixture->store, now_ms, &settlement), STATUS_OK);
    return settlement.was_applied;
}

/* ---- */

static void only_a_signed_subscription_that_is_there_can_be_probed(void **state)
{
    struct fixture *fixture = *state;
    struct probe probe;
    struct object_id missing = {{1}};
    struct object_id id = add_subscription(fixture, "s");
    assert_int_equal(request(fixture, &missing, &probe), STATUS_NOT_FOUND);
    assert_int_equal(request(fixture, &id, &probe), STATUS_CONFLICT);
    assert_true(has_none(fixture, &id));
    change_subscription(fixture, &id, apply_signing);
    assert_true(has_none(fixture, &id));
    ask(fixture, &id);
    struct uuid home = fixture->org;
    uuid_make(&fixture->org);
    assert_int_equal(request(fixture, &id, &probe), STATUS_NOT_FOUND);
    assert_true(has_none(fixture, &id));
    fixture->org = home;
    assert_int_equal(get(fixture, &id).status, PROBE_PENDING);
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(request(fixture, &id, &probe), STATUS_NOT_FOUND);
    assert_true(has_none(fixture, &id));
}

static void while_one_is_pending_everybody_gets_it(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    int64_t asked_ms = ask(fixture, &id);
    struct probe_claim claim = claim_probe_at(fixture, asked_ms);
    clock_sleep_ms(2);
    assert_true(ask(fixture, &id) == asked_ms);
    assert_true(finish(fixture, &claim, asked_ms + 1));
    struct probe done = get(fixture, &id);
    assert_int_equal(done.status, PROBE_DONE);
    assert_true(done.requested_at_ms == asked_ms && done.finished_at_ms == asked_ms + 1);
    assert_int_equal(done.replies[PROBE_NEW_SECRET].response_status, 200);
    assert_int_equal(done.replies[PROBE_FORGED].duration_ms, 4);
    assert_true(ask(fixture, &id) > asked_ms);
    assert_int_equal(get(fixture, &id).status, PROBE_PENDING);
    assert_int_equal(get(fixture, &id).replies[PROBE_FORGED].response_status, 0);
}

static void the_first_answer_is_kept_for_its_key(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    struct probe first, second;
    struct idempotency idempotency = {.key = {1}, .now_ms = 1000, .expires_at_ms = 2000};
    struct answer answer = {.idempotency = &idempotency, .render = render_probe, .context = &first};
    assert_int_equal(store_probe_request(fixture->store, &fixture->org, &id, &first, &answer), STATUS_OK);
    struct probe_claim claim = claim_probe_at(fixture, first.requested_at_ms);
    assert_true(finish(fixture, &claim, first.requested_at_ms));
    answer.context = &second;
    assert_int_equal(store_probe_request(fixture->store, &fixture->org, &id, &second, &answer), STATUS_REPLAY);
    assert_memory_equal(answer.kept.data, &first.requested_at_ms, sizeof first.requested_at_ms);
    assert_int_equal(get(fixture, &id).status, PROBE_DONE);
    buf_clear(&answer.kept);
}

static void a_probe_is_one_workers_until_its_lease_ends(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    assert_false(has_due(fixture, 0));
    ask(fixture, &id);
    assert_true(has_due(fixture, 0));
    struct probe_claim first = claim_probe_at(fixture, 1000);
    assert_memory_equal(&first.subscription_id, &id, sizeof id);
    assert_memory_equal(&first.organization_id, &fixture->org, sizeof fixture->org);
    assert_int_equal(next_due(fixture, 1999), 2000);
    assert_false(has_due(fixture, 1999));
    assert_int_equal(store_probe_extend(fixture->store, 1500, LEASE_MS, &first), STATUS_OK);
    assert_int_equal(first.lease_until_ms, 2500);
    assert_int_equal(next_due(fixture, 2499), 2500);
    assert_true(has_due(fixture, 2500));
    struct probe_claim second = claim_probe_at(fixture, 2500);
    assert_int_equal(store_probe_extend(fixture->store, 2600, LEASE_MS, &first), STATUS_CONFLICT);
    assert_int_equal(store_probe_release(fixture->store, 2600, &first), STATUS_OK);
    assert_false(finish(fixture, &first, 2600));
    assert_int_equal(get(fixture, &id).status, PROBE_PENDING);
    assert_false(finish(fixture, &second, 3500)); /* too late */
    second = claim_probe_at(fixture, 3500);
    assert_true(finish(fixture, &second, 3600));
    assert_false(finish(fixture, &second, 3600)); /* only once */
    assert_true(next_due(fixture, INT64_MAX) == INT64_MAX);
}

static void what_is_handed_back_is_out_at_once(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    ask(fixture, &id);
    struct probe_claim first = claim_probe_at(fixture, 1000);
    assert_int_equal(store_probe_release(fixture->store, 1001, &first), STATUS_OK);
    assert_true(has_due(fixture, 1001));
    struct probe_claim second = claim_probe_at(fixture, 1001);
    assert_false(finish(fixture, &first, 1002));
    assert_true(finish(fixture, &second, 1002));
}

static void an_earlier_probes_claim_does_not_end_a_later_one(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    ask(fixture, &id);
    struct probe_claim stale = claim_probe_at(fixture, 1000);
    change_subscription(fixture, &id, apply_unsigning);
    assert_true(next_due(fixture, 2000) == INT64_MAX); /* ends it */
    change_subscription(fixture, &id, apply_signing);
    assert_true(has_none(fixture, &id));
    ask(fixture, &id);
    struct probe_claim claim = claim_probe_at(fixture, 1000);
    assert_false(finish(fixture, &stale, 1001));
    assert_true(finish(fixture, &claim, 1001));
}

static void a_subscription_that_changes_meanwhile_is_probed_anew(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    ask(fixture, &id);
    struct probe_claim claim = claim_probe_at(fixture, 1000);
    struct probe_settlement settlement = {.claim = claim, .version = 2, .replies = {{200, 0, 3}, {401, 0, 4}}};
    change_subscription(fixture, &id, apply_signing);
    assert_int_equal(store_probe_finish(fixture->store, 1001, &settlement), STATUS_OK);
    assert_false(settlement.was_applied);
    assert_int_equal(get(fixture, &id).status, PROBE_PENDING);
    claim = claim_probe_at(fixture, 1001);
    assert_true(finish(fixture, &claim, 1002));
}

static void a_probe_ends_without_a_result_where_there_is_nothing_to_ask(void **state)
{
    struct fixture *fixture = *state;
    struct object_id unsigned_id = add_signed(fixture, "s"), deleted_id = add_signed(fixture, "t");
    ask(fixture, &unsigned_id);
    ask(fixture, &deleted_id);
    change_subscription(fixture, &unsigned_id, apply_unsigning);
    change_subscription(fixture, &deleted_id, apply_delete);
    assert_true(has_none(fixture, &unsigned_id) && has_none(fixture, &deleted_id));
    assert_true(next_due(fixture, 1000) == INT64_MAX);
    assert_false(has_due(fixture, INT64_MAX));
}

static void a_result_stays_when_signing_is_switched_off_after_it(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_signed(fixture, "s");
    ask(fixture, &id);
    struct probe_claim claim = claim_probe_at(fixture, 1000);
    assert_true(finish(fixture, &claim, 1001));
    change_subscription(fixture, &id, apply_unsigning);
    assert_int_equal(get(fixture, &id).status, PROBE_DONE);
}

static void each_is_claimed_once_and_who_is_not_admitted_waits(void **state)
{
    enum { COUNT = 5 };
    struct fixture *fixture = *state;
    struct object_id after = from_start;
    struct probe_claim claim;
    int64_t next_due_ms = INT64_MAX;
    for (int i = 0; i < COUNT; i++) {
        struct object_id id = add_signed(fixture, (char[]){(char)('a' + i), '\0'});
        change_subscription(fixture, &id, apply_pause); /* a paused one is asked as well */
        ask(fixture, &id);
    }
    assert_int_equal(claim_behind(fixture, &after, 1000, 0, &claim, &next_due_ms), STATUS_NOT_FOUND);
    assert_true(next_due_ms == INT64_MAX);
    for (int i = 0; i < COUNT; i++) {
        assert_int_equal(claim_behind(fixture, &after, 1000 + i, 1, &claim, &next_due_ms), STATUS_OK);
        assert_true(object_id_compare(&claim.subscription_id, &after) > 0);
        after = claim.subscription_id;
    }
    assert_int_equal(claim_behind(fixture, &after, 1100, 1, &claim, &next_due_ms), STATUS_NOT_FOUND);
    assert_int_equal(next_due(fixture, 1100), 1000 + LEASE_MS);
}

int run_probe_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(only_a_signed_subscription_that_is_there_can_be_probed),
        CONFORMANCE_TEST(while_one_is_pending_everybody_gets_it),
        CONFORMANCE_TEST(the_first_answer_is_kept_for_its_key),
        CONFORMANCE_TEST(a_probe_is_one_workers_until_its_lease_ends),
        CONFORMANCE_TEST(what_is_handed_back_is_out_at_once),
        CONFORMANCE_TEST(an_earlier_probes_claim_does_not_end_a_later_one),
        CONFORMANCE_TEST(a_subscription_that_changes_meanwhile_is_probed_anew),
        CONFORMANCE_TEST(a_probe_ends_without_a_result_where_there_is_nothing_to_ask),
        CONFORMANCE_TEST(a_result_stays_when_signing_is_switched_off_after_it),
        CONFORMANCE_TEST(each_is_claimed_once_and_who_is_not_admitted_waits),
    };
    return cmocka_run_group_tests_name("probes", tests, NULL, NULL);
}
