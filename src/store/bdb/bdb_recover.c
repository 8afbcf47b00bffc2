/* Recovering what failed: the failures of a window are due again. The rows of one call are few enough for one
 * transaction, so that its answer can be kept with all that it says. */
#include "store/bdb/bdb_due.h"

#include <stdlib.h>

#include "base/mem.h"

struct step {
    int64_t now_ms;
    struct recovery *recovery;
    struct answer *answer;
    struct bdb_failed rows[STORE_RECOVER_MAX];
    size_t count;
};

/* A row whose delivery says otherwise is stale, and goes. */
static enum status requeue(struct bdb *bdb, DB_TXN *txn, struct step *step, const struct bdb_failed *row)
{
    struct delivery delivery;
    enum status status = bdb_delivery_read(bdb, txn, &row->subscription_id, &row->event_id, DB_RMW, &delivery);
    if (status == STATUS_NOT_FOUND)
        return bdb_failed_delete(bdb, txn, row);
    if (status != STATUS_OK)
        return status;
    if (delivery.status != DELIVERY_FAILED || delivery.finished_at_ms != row->finished_at_ms)
        return bdb_failed_delete(bdb, txn, row);
    step->recovery->requeued++;
    return bdb_delivery_make_due(bdb, txn, &delivery, step->now_ms);
}

static enum status requeue_all(struct bdb *bdb, DB_TXN *txn, struct step *step)
{
    struct recovery *recovery = step->recovery;
    recovery->requeued = 0;
    enum status status = bdb_failed_collect(bdb, txn, recovery->subscription_id, recovery->since_ms, recovery->until_ms,
                                            STORE_RECOVER_MAX, step->rows, &step->count, &recovery->has_more);
    for (size_t i = 0; i < step->count && status == STATUS_OK; i++)
        status = requeue(bdb, txn, step, &step->rows[i]);
    return status;
}

static enum status recover_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct step *step = context;
    enum status status = bdb_answer_begin(bdb, txn, step->answer);
    if (status == STATUS_OK)
        status = bdb_subscription_expect(bdb, txn, step->recovery->organization_id, step->recovery->subscription_id);
    if (status == STATUS_OK)
        status = requeue_all(bdb, txn, step);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, step->answer) : status;
}

enum status bdb_recover(struct store *store, int64_t now_ms, struct recovery *recovery, struct answer *answer)
{
    struct bdb *bdb = bdb_of(store);
    struct step *step = mem_calloc(1, sizeof *step);
    uint32_t tables = BDB_USES(BDB_IDEMPOTENCY) | BDB_USES(BDB_SUBSCRIPTION) | BDB_USES(BDB_FAILED) |
                      BDB_USES(BDB_DELIVERY) | BDB_USES(BDB_DUE) | BDB_USES(BDB_URGENT);
    step->now_ms = now_ms;
    step->recovery = recovery;
    step->answer = answer;
    enum status status = bdb_run(bdb, BDB_SYNC, tables, recover_work, step);
    if (status == STATUS_OK && recovery->requeued > 0)
        bdb_wake(bdb);
    free(step);
    return status;
}
