/* Probes as the worker sees them: claimed under a lease, extended for the second request, finished or handed back. All
 * but the claim are fenced, as with deliveries, by generation and lease. */
#include "store/bdb/bdb_probe.h"

#define PROBE_TABLES (BDB_USES(BDB_PROBE) | BDB_USES(BDB_PROBE_DUE))

/* ---- claiming ---- */

struct claiming {
    const struct bdb_probe_due *row;
    int64_t now_ms;
    int64_t lease_ms; /* 0: nothing can be asked any more, the probe ends */
    struct probe_claim *out;
};

static enum status write_claimed(struct bdb *bdb, DB_TXN *txn, const struct claiming *claiming, struct probe *probe)
{
    probe->generation++;
    probe->lease_until_ms = claiming->lease_ms > 0 ? claiming->now_ms + claiming->lease_ms : 0;
    if (claiming->lease_ms == 0)
        probe->status = PROBE_VOID;
    *claiming->out = (struct probe_claim){.subscription_id = probe->subscription_id,
                                          .organization_id = probe->organization_id,
                                          .generation = probe->generation,
                                          .lease_until_ms = probe->lease_until_ms};
    return bdb_probe_write(bdb, txn, probe);
}

/* STATUS_NOT_FOUND: another worker was faster. */
static enum status claim_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct claiming *claiming = context;
    struct probe probe;
    enum status status = bdb_probe_read(bdb, txn, &claiming->row->subscription_id, DB_RMW, &probe);
    if (status != STATUS_OK)
        return status;
    if (probe.status != PROBE_PENDING || claiming->now_ms < probe.lease_until_ms)
        return STATUS_NOT_FOUND;
    return write_claimed(bdb, txn, claiming, &probe);
}

/* *is_over: there is nothing to ask any more; a subscription of which not even the tombstone is left is deleted. */
static enum status see_subscription(struct bdb *bdb, const struct bdb_probe_due *row, store_admit admit, void *context,
                                    struct admission *admission, bool *is_over)
{
    struct subscription subscription;
    enum status status = bdb_subscription_look(bdb, &row->organization_id, &row->subscription_id, &subscription);
    *is_over = status == STATUS_NOT_FOUND;
    if (status != STATUS_OK)
        return *is_over ? STATUS_OK : status;
    *is_over = subscription.is_deleted || subscription.secrets.count == 0;
    if (!*is_over)
        *admission = admit(context, &subscription);
    subscription_clear(&subscription);
    return STATUS_OK;
}

/* STATUS_NOT_FOUND: this one is not to be made now. */
static enum status serve(struct bdb *bdb, struct claiming *claiming, store_admit admit, void *context)
{
    struct admission admission = {.count = 0};
    bool is_over;
    enum status status = see_subscription(bdb, claiming->row, admit, context, &admission, &is_over);
    if (status != STATUS_OK)
        return status;
    if (!is_over && admission.count == 0)
        return STATUS_NOT_FOUND;
    claiming->lease_ms = is_over ? 0 : admission.lease_ms > 0 ? admission.lease_ms : 1;
    status = bdb_run(bdb, BDB_NOSYNC, PROBE_TABLES, claim_work, claiming);
    return status == STATUS_OK && is_over ? STATUS_NOT_FOUND : status;
}

static enum status serve_or_pass_over(struct bdb *bdb, struct claiming *claiming, store_admit admit, void *context)
{
    enum status status = serve(bdb, claiming, admit, context);
    if (status == STATUS_NOT_FOUND || !bdb_is_unreadable(status))
        return status;
    bdb_pass_over(bdb, "subscription or its probe", &claiming->row->subscription_id, status);
    return STATUS_NOT_FOUND;
}

enum status bdb_probe_claim(struct store *store, int64_t now_ms, const struct object_id *after, store_admit admit,
                            void *context, struct probe_claim *out, int64_t *next_due_ms)
{
    struct bdb *bdb = bdb_of(store);
    struct object_id last = *after;
    for (;;) {
        struct bdb_probe_due row;
        struct claiming claiming = {.row = &row, .now_ms = now_ms, .out = out};
        enum status status = bdb_probe_due_hop(bdb, &last, &row);
        if (status != STATUS_OK)
            return status;
        last = row.subscription_id;
        if (row.due_at_ms > now_ms)
            *next_due_ms = row.due_at_ms < *next_due_ms ? row.due_at_ms : *next_due_ms;
        else if ((status = serve_or_pass_over(bdb, &claiming, admit, context)) != STATUS_NOT_FOUND)
            return status;
    }
}

/* ---- what a claim allows ---- */

static bool holds(const struct probe_claim *claim, const struct probe *probe, int64_t now_ms)
{
    return probe->status == PROBE_PENDING && probe->generation == claim->generation && now_ms < probe->lease_until_ms;
}

/* For writing. STATUS_CONFLICT: the claim does not hold any more. */
static enum status read_held(struct bdb *bdb, DB_TXN *txn, const struct probe_claim *claim, int64_t now_ms,
                             struct probe *out)
{
    enum status status = bdb_probe_read(bdb, txn, &claim->subscription_id, DB_RMW, out);
    if (status == STATUS_OK && !holds(claim, out, now_ms))
        status = STATUS_CONFLICT;
    return status == STATUS_NOT_FOUND ? STATUS_CONFLICT : status;
}

static enum status put_back(struct bdb *bdb, DB_TXN *txn, struct probe *probe)
{
    probe->generation++;
    probe->lease_until_ms = 0;
    return bdb_probe_write(bdb, txn, probe);
}

struct renewal {
    int64_t now_ms;
    int64_t until_ms;
    const struct probe_claim *claim;
};

static enum status extend_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct renewal *renewal = context;
    struct probe probe;
    enum status status = read_held(bdb, txn, renewal->claim, renewal->now_ms, &probe);
    if (status != STATUS_OK)
        return status;
    probe.lease_until_ms = renewal->until_ms;
    return bdb_probe_write(bdb, txn, &probe);
}

enum status bdb_probe_extend(struct store *store, int64_t now_ms, int64_t lease_ms, struct probe_claim *claim)
{
    struct renewal renewal = {now_ms, now_ms + lease_ms, claim};
    enum status status = bdb_run(bdb_of(store), BDB_NOSYNC, PROBE_TABLES, extend_work, &renewal);
    if (status == STATUS_OK)
        claim->lease_until_ms = renewal.until_ms;
    return status;
}

static enum status release_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct renewal *renewal = context;
    struct probe probe;
    enum status status = read_held(bdb, txn, renewal->claim, renewal->now_ms, &probe);
    return status == STATUS_OK ? put_back(bdb, txn, &probe) : status;
}

enum status bdb_probe_release(struct store *store, int64_t now_ms, const struct probe_claim *claim)
{
    struct renewal renewal = {now_ms, 0, claim};
    enum status status = bdb_run(bdb_of(store), BDB_NOSYNC, PROBE_TABLES, release_work, &renewal);
    return status == STATUS_CONFLICT ? STATUS_OK : status;
}

/* ---- finishing ---- */

struct finishing {
    int64_t now_ms;
    struct probe_settlement *settlement;
};

/* A rotation waits for this lock, or this waits for the rotation: either the probe is made again, or it is dated before
 * the new secret. */
static enum status is_current(struct bdb *bdb, DB_TXN *txn, const struct probe_settlement *settlement, bool *out)
{
    struct subscription subscription;
    const struct probe_claim *claim = &settlement->claim;
    enum status status =
        bdb_subscription_read(bdb, txn, &claim->organization_id, &claim->subscription_id, 0, &subscription);
    if (status != STATUS_OK)
        return status;
    *out = subscription.version == settlement->version;
    subscription_clear(&subscription);
    return STATUS_OK;
}

static enum status finish_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct finishing *finishing = context;
    struct probe_settlement *settlement = finishing->settlement;
    struct probe probe;
    bool is_applied = false;
    enum status status = is_current(bdb, txn, settlement, &is_applied);
    if (status == STATUS_OK)
        status = read_held(bdb, txn, &settlement->claim, finishing->now_ms, &probe);
    settlement->was_applied = status == STATUS_OK && is_applied;
    if (status != STATUS_OK || !is_applied)
        return status == STATUS_OK ? put_back(bdb, txn, &probe) : status;
    probe.status = PROBE_DONE;
    probe.finished_at_ms = finishing->now_ms > probe.requested_at_ms ? finishing->now_ms : probe.requested_at_ms;
    memcpy(probe.replies, settlement->replies, sizeof probe.replies);
    return put_back(bdb, txn, &probe);
}

enum status bdb_probe_finish(struct store *store, int64_t now_ms, struct probe_settlement *settlement)
{
    struct finishing finishing = {now_ms, settlement};
    enum status status = bdb_run(bdb_of(store), BDB_NOSYNC, PROBE_TABLES, finish_work, &finishing);
    return status == STATUS_CONFLICT ? STATUS_OK : status;
}
