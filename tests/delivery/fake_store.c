/* The verbs that the worker uses, over an array. */
#include "fake_store.h"

#include "model/record.h"
#include "store/worker_state.h"

static bool fails(struct fake_failures *failures)
{
    if (failures->count == 0)
        return false;
    failures->count--;
    return true;
}

static void lease(struct store *store, struct fake_delivery *delivery, int64_t until_ms, struct claim *out)
{
    size_t leased = 0;
    delivery->is_leased = true;
    delivery->claim.generation++;
    delivery->claim.lease_until_ms = until_ms - store->lease_cut_ms;
    *out = delivery->claim;
    for (size_t i = 0; i < store->delivery_count; i++)
        leased += store->deliveries[i].is_leased;
    if (leased > store->most_leased)
        store->most_leased = leased;
}

static void claim_due(struct store *store, int64_t now_ms, size_t max, struct admission admission, struct claim *out,
                      size_t *count)
{
    size_t most = max < admission.count ? max : admission.count;
    for (size_t i = 0; i < store->delivery_count && *count < most; i++) {
        struct fake_delivery *delivery = &store->deliveries[i];
        if (delivery->status == DELIVERY_WAITING && !delivery->is_leased && delivery->due_at_ms <= now_ms)
            lease(store, delivery, now_ms + admission.lease_ms, &out[(*count)++]);
    }
}

static bool has_due(const struct store *store, int64_t now_ms)
{
    for (size_t i = 0; i < store->delivery_count; i++) {
        const struct fake_delivery *delivery = &store->deliveries[i];
        if (delivery->status == DELIVERY_WAITING && !delivery->is_leased && delivery->due_at_ms <= now_ms)
            return true;
    }
    return false;
}

static int64_t next_due(const struct store *store, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;
    for (size_t i = 0; i < store->delivery_count; i++) {
        const struct fake_delivery *delivery = &store->deliveries[i];
        bool is_later = delivery->status == DELIVERY_WAITING && !delivery->is_leased && delivery->due_at_ms > now_ms;
        if (is_later && delivery->due_at_ms < next_ms)
            next_ms = delivery->due_at_ms;
    }
    return next_ms;
}

enum status store_claim(struct store *store, int64_t now_ms, size_t max, const struct claimer *claimer,
                        struct claim *out, size_t *count, int64_t *next_due_ms)
{
    store->claims++;
    if (store->before_claim)
        store->before_claim(store);
    if (fails(&store->claim_failures))
        return store->claim_failures.status;
    *count = 0;
    *next_due_ms = next_due(store, now_ms);
    if (store->subscription.active && max > 0 && has_due(store, now_ms) &&
        !claimer->passes_over(claimer->context, &store->subscription.id)) {
        claim_due(store, now_ms, max, claimer->admit(claimer->context, &store->subscription), out, count);
        claimer->claimed(claimer->context, *count);
    }
    if (store->pauses_after_claim)
        store->subscription.active = false;
    return STATUS_OK;
}

static struct fake_delivery *find(struct store *store, const struct claim *claim)
{
    for (size_t i = 0; i < store->delivery_count; i++)
        if (object_id_compare(&store->deliveries[i].claim.event_id, &claim->event_id) == 0)
            return &store->deliveries[i];
    return NULL;
}

static void settle_one(struct store *store, int64_t now_ms, struct settlement *settlement)
{
    struct fake_delivery *delivery = find(store, &settlement->claim);
    settlement->was_applied = delivery && delivery->claim.generation == settlement->claim.generation &&
                              delivery->claim.lease_until_ms > now_ms;
    if (!settlement->was_applied)
        return;
    delivery->is_leased = false;
    delivery->status = settlement->status;
    delivery->due_at_ms = settlement->due_at_ms;
    delivery->claim.attempt_count++;
    delivery->claim.budget_used++;
    delivery->last = settlement->attempt;
    delivery->last.response_headers = (struct buf){0};
    delivery->last.response_body = (struct buf){0};
}

enum status store_settle(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count)
{
    if (fails(&store->settle_failures))
        return store->settle_failures.status;
    for (size_t i = 0; i < count; i++)
        settle_one(store, now_ms, &settlements[i]);
    return STATUS_OK;
}

enum status store_release(struct store *store, int64_t now_ms, const struct claim *claims, size_t count)
{
    (void)now_ms;
    for (size_t i = 0; i < count; i++) {
        struct fake_delivery *delivery = find(store, &claims[i]);
        delivery->is_leased = false;
        delivery->releases++;
    }
    return STATUS_OK;
}

enum status store_subscription_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                   struct subscription *out)
{
    struct buf bytes = {0};
    (void)organization_id;
    (void)id;
    subscription_encode(&store->subscription, &bytes);
    enum status status = subscription_decode(buf_slice(&bytes), out);
    out->id = store->subscription.id;
    out->organization_id = store->subscription.organization_id;
    buf_clear(&bytes);
    return status;
}

enum status store_subscription_update(struct store *store, const struct uuid *organization_id,
                                      const struct object_id *id, struct change *change)
{
    (void)organization_id;
    (void)id;
    return change->apply(change->context, 0, &store->subscription);
}

void store_event_id_make(struct store *store, int64_t now_ms, struct object_id *out)
{
    (void)store;
    object_id_make_lane(0, now_ms, out);
}

enum status store_event_get(struct store *store, const struct object_id *id, struct event *out)
{
    struct buf bytes = {0};
    if (!store->has_event)
        return STATUS_NOT_FOUND;
    event_encode(&store->event, &bytes);
    enum status status = event_decode(buf_slice(&bytes), out);
    out->id = *id;
    buf_clear(&bytes);
    return status;
}

/* Nobody asks for probes here. */

enum status store_probe_claim(struct store *store, int64_t now_ms, const struct object_id *after, store_admit admit,
                              void *context, struct probe_claim *out, int64_t *next_due_ms)
{
    (void)store, (void)now_ms, (void)after, (void)admit, (void)context, (void)out, (void)next_due_ms;
    return STATUS_NOT_FOUND;
}

enum status store_probe_extend(struct store *store, int64_t now_ms, int64_t lease_ms, struct probe_claim *claim)
{
    (void)store, (void)now_ms, (void)lease_ms, (void)claim;
    return STATUS_CONFLICT;
}

enum status store_probe_release(struct store *store, int64_t now_ms, const struct probe_claim *claim)
{
    (void)store, (void)now_ms, (void)claim;
    return STATUS_OK;
}

enum status store_probe_finish(struct store *store, int64_t now_ms, struct probe_settlement *settlement)
{
    (void)store, (void)now_ms, (void)settlement;
    return STATUS_CONFLICT;
}

const struct keyring *store_keyring(const struct store *store)
{
    return store->keyring;
}

enum status store_maintain(struct store *store)
{
    (void)store;
    return STATUS_OK;
}

bool store_is_leaving(const struct store *store)
{
    return store->is_leaving;
}

enum status store_statistics(struct store *store, int64_t now_ms, struct store_statistics *out)
{
    store->states_written++;
    *out = (struct store_statistics){.oldest_due_ms = has_due(store, now_ms) ? now_ms : 0};
    return STATUS_OK;
}

enum status store_upkeep(struct store *store, int64_t now_ms, const struct upkeep_limits *limits,
                         struct upkeep_state *state, struct upkeep_counts *counts, bool *is_done)
{
    (void)now_ms;
    (void)limits;
    (void)state;
    (void)counts;
    store->upkeeps++;
    *is_done = store->upkeeps >= store->upkeeps_of_a_pass;
    return STATUS_OK;
}

enum status store_backlog_step(struct store *store, int64_t now_ms, struct store_place *place,
                               void (*visit)(void *context, const struct store_backlog *backlog), void *context)
{
    (void)store, (void)now_ms, (void)place, (void)visit, (void)context;
    return STATUS_OK;
}

int store_wake_fd(struct store *store)
{
    (void)store;
    return -1;
}

void store_wake_drain(struct store *store)
{
    (void)store;
}

void worker_counts_attempt(struct worker_counts *counts, const struct attempt *attempt, enum delivery_status next)
{
    (void)attempt;
    (void)next;
    counts->of[WORKER_ATTEMPTS_STATUS]++;
}

enum status worker_state_write(const char *data_dir, int64_t now_ms, int64_t oldest_due_seconds,
                               const struct worker_backlog *backlog, const struct worker_failing *failing,
                               struct worker_counts *counts)
{
    (void)failing;
    (void)data_dir;
    (void)backlog;
    (void)now_ms;
    (void)oldest_due_seconds;
    *counts = (struct worker_counts){{0}};
    return STATUS_OK;
}
