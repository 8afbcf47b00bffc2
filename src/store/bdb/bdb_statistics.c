/* Figures for health and status: one look at each subscription that has deliveries waiting. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_probe.h"

struct lookup {
    const struct bdb_due *first;
    bool is_active;
};

static enum status activity_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct lookup *lookup = context;
    struct subscription subscription;
    enum status status = bdb_subscription_read(bdb, txn, &lookup->first->organization_id,
                                               &lookup->first->subscription_id, 0, &subscription);
    if (status != STATUS_OK)
        return status;
    lookup->is_active = (subscription.active || lookup->first->is_forced) && !subscription.is_deleted;
    subscription_clear(&subscription);
    return STATUS_OK;
}

static enum status regard(struct bdb *bdb, int64_t now_ms, const struct bdb_due *first, struct store_statistics *out)
{
    out->waiting_subscriptions += !first->is_forced; /* one that has both is counted once */
    if (first->due_at_ms > now_ms || (out->oldest_due_ms != 0 && first->due_at_ms >= out->oldest_due_ms))
        return STATUS_OK;
    struct lookup lookup = {first, false};
    enum status status = bdb_run(bdb, BDB_READ, 0, activity_work, &lookup);
    if (status == STATUS_OK && lookup.is_active)
        out->oldest_due_ms = first->due_at_ms;
    return bdb_is_unreadable(status) ? STATUS_OK : status; /* the worker passes it over as well */
}

static enum status regard_all(struct bdb *bdb, int64_t now_ms, bool is_forced, struct store_statistics *out)
{
    struct bdb_due first = {.due_at_ms = 0};
    enum status status = bdb_due_hop(bdb, is_forced, &first.subscription_id, &first);
    while (status == STATUS_OK) {
        status = regard(bdb, now_ms, &first, out);
        struct object_id after = first.subscription_id;
        if (status == STATUS_OK)
            status = bdb_due_hop(bdb, is_forced, &after, &first);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status bdb_statistics(struct store *store, int64_t now_ms, struct store_statistics *out)
{
    struct bdb *bdb = bdb_of(store);
    struct store_statistics statistics = {.oldest_due_ms = 0};
    enum status status = regard_all(bdb, now_ms, true, &statistics);
    if (status == STATUS_OK)
        status = regard_all(bdb, now_ms, false, &statistics);
    if (status == STATUS_OK)
        status = bdb_probe_is_due(bdb, now_ms, &statistics.has_probe_due);
    if (status == STATUS_OK)
        *out = statistics;
    return status;
}
