/* The ends of leases: settlements, and claims that are handed back. Both are fenced: they change a delivery only while
 * it waits, under the generation that the claim was given. */
#include "store/bdb/bdb.h"

#include <stdlib.h>

#include "base/mem.h"

_Static_assert((int)STORE_SETTLE_MAX <= (int)BDB_STEP_MAX, "a batch goes into one transaction");

#define SETTLE_TABLES                                                                                                  \
    (BDB_USES(BDB_DUE) | BDB_USES(BDB_URGENT) | BDB_USES(BDB_FAILED) | BDB_USES(BDB_DELIVERY) | BDB_USES(BDB_ATTEMPT))

static bool holds(const struct claim *claim, const struct delivery *delivery, int64_t now_ms)
{
    return delivery->status == DELIVERY_WAITING && delivery->generation == claim->generation &&
           now_ms < delivery->lease_until_ms;
}

/* Reads the delivery for writing. *is_held: the claim still counts; then its row in the order of work is gone. */
static enum status take_back(struct bdb *bdb, DB_TXN *txn, const struct claim *claim, int64_t now_ms,
                             struct delivery *out, bool *is_held)
{
    enum status status = bdb_delivery_read(bdb, txn, &claim->subscription_id, &claim->event_id, DB_RMW, out);
    *is_held = status == STATUS_OK && holds(claim, out, now_ms);
    if (!*is_held)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct bdb_due lease = bdb_due_of(out);
    return bdb_due_delete(bdb, txn, &lease);
}

/* Writes the delivery without its lease, and its new place: in the order of work where it waits on, among those that
 * can be recovered where it failed. */
static enum status put_back(struct bdb *bdb, DB_TXN *txn, struct delivery *delivery)
{
    delivery->generation++;
    delivery->lease_until_ms = 0;
    enum status status = bdb_delivery_write(bdb, txn, delivery, 0);
    if (status == STATUS_OK && delivery->status == DELIVERY_FAILED)
        return bdb_failed_put(bdb, txn, delivery);
    if (status != STATUS_OK || delivery->status != DELIVERY_WAITING)
        return status;
    struct bdb_due due = bdb_due_of(delivery);
    return bdb_due_put(bdb, txn, &due);
}

/* ---- settlements ---- */

struct settling {
    int64_t now_ms;
    struct settlement *settlements; /* of one transaction */
    size_t count;
    struct subscription *tombstones; /* where is_deleted: the subscription of the settlement with that index */
};

static void apply(const struct settling *settling, size_t index, struct delivery *delivery)
{
    const struct settlement *settlement = &settling->settlements[index];
    const struct subscription *subscription = &settling->tombstones[index];
    delivery->attempt_count++;
    delivery->budget_used++;
    if (subscription->is_deleted) {
        bdb_delivery_cancel(delivery, subscription);
        return;
    }
    bool waits = settlement->status == DELIVERY_WAITING;
    delivery->status = settlement->status;
    delivery->next_attempt_at_ms = waits ? settlement->due_at_ms : 0;
    delivery->finished_at_ms = waits ? 0 : settling->now_ms;
}

static enum status settle_one(struct bdb *bdb, DB_TXN *txn, const struct settling *settling, size_t index)
{
    struct settlement *settlement = &settling->settlements[index];
    struct delivery delivery;
    settlement->was_applied = false;
    enum status status = take_back(bdb, txn, &settlement->claim, settling->now_ms, &delivery, &settlement->was_applied);
    if (status != STATUS_OK || !settlement->was_applied)
        return status;
    apply(settling, index, &delivery);
    status = bdb_attempt_write(bdb, txn, &delivery, &settlement->attempt);
    return status == STATUS_OK ? put_back(bdb, txn, &delivery) : status;
}

static enum status settle_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct settling *settling = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < settling->count && status == STATUS_OK; i++)
        status = settle_one(bdb, txn, settling, i);
    return status;
}

/* Read before the transaction: while it runs, rotations must not wait for it, nor it for them. */
static enum status tombstones_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct settling *settling = context;
    for (size_t i = 0; i < settling->count; i++) {
        const struct claim *claim = &settling->settlements[i].claim;
        struct subscription *out = &settling->tombstones[i];
        subscription_clear(out);
        enum status status = bdb_subscription_read(bdb, txn, &claim->organization_id, &claim->subscription_id, 0, out);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
        if (!out->is_deleted)
            subscription_clear(out);
    }
    return STATUS_OK;
}

static enum status settle_some(struct bdb *bdb, struct settling *settling)
{
    enum status status = bdb_run(bdb, BDB_READ, 0, tombstones_work, settling);
    if (status == STATUS_OK)
        status = bdb_run(bdb, BDB_NOSYNC, SETTLE_TABLES, settle_work, settling);
    for (size_t i = 0; i < settling->count; i++)
        subscription_clear(&settling->tombstones[i]);
    return status;
}

enum status bdb_settle(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count)
{
    struct subscription *tombstones = mem_calloc(BDB_STEP_MAX, sizeof *tombstones);
    enum status status = STATUS_OK;
    for (size_t done = 0; done < count; done++)
        settlements[done].was_applied = false;
    for (size_t done = 0; done < count && status == STATUS_OK; done += BDB_STEP_MAX) {
        size_t some = count - done < BDB_STEP_MAX ? count - done : BDB_STEP_MAX;
        struct settling settling = {now_ms, settlements + done, some, tombstones};
        status = settle_some(bdb_of(store), &settling);
    }
    free(tombstones);
    return status;
}

/* ---- releases ---- */

struct releasing {
    int64_t now_ms;
    const struct claim *claims; /* of one transaction */
    size_t count;
};

static enum status release_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct releasing *releasing = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < releasing->count && status == STATUS_OK; i++) {
        struct delivery delivery;
        bool is_held;
        status = take_back(bdb, txn, &releasing->claims[i], releasing->now_ms, &delivery, &is_held);
        if (status == STATUS_OK && is_held) /* its time has not changed, so it keeps its place among the others */
            status = put_back(bdb, txn, &delivery);
    }
    return status;
}

enum status bdb_release(struct store *store, int64_t now_ms, const struct claim *claims, size_t count)
{
    enum status status = STATUS_OK;
    for (size_t done = 0; done < count && status == STATUS_OK; done += BDB_STEP_MAX) {
        size_t some = count - done < BDB_STEP_MAX ? count - done : BDB_STEP_MAX;
        struct releasing releasing = {now_ms, claims + done, some};
        status = bdb_run(bdb_of(store), BDB_NOSYNC, SETTLE_TABLES, release_work, &releasing);
    }
    return status;
}
