/* What a client does to one delivery: retry and cancel. One transaction each, which holds the delivery for writing, so
 * a claim or a settlement comes wholly before or wholly after it; after it, the generation keeps the old claim out. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"
#include "store/bdb/bdb_import.h"

struct order {
    const struct uuid *organization_id;
    const struct object_id *subscription_id;
    const struct object_id *event_id;
    int64_t now_ms;
    enum status (*obey)(struct bdb *bdb, DB_TXN *txn, const struct order *order, bool is_gone);
    struct delivery_entry *out;
    struct answer *answer;
};

/* ---- retry ---- */

enum status bdb_delivery_leave_place(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery)
{
    const struct bdb_due due = bdb_due_of(delivery);
    const struct bdb_failed failed = {delivery->subscription_id, delivery->finished_at_ms, delivery->event_id};
    switch (delivery->status) {
    case DELIVERY_WAITING:
        return bdb_due_delete(bdb, txn, &due);
    case DELIVERY_FAILED:
        return bdb_failed_delete(bdb, txn, &failed);
    default:
        return STATUS_OK;
    }
}

enum status bdb_delivery_make_due(struct bdb *bdb, DB_TXN *txn, struct delivery *delivery, int64_t now_ms)
{
    enum status status = bdb_delivery_leave_place(bdb, txn, delivery);
    delivery_revive(delivery, now_ms);
    const struct bdb_due due = bdb_due_of(delivery);
    if (status == STATUS_OK)
        status = bdb_delivery_write(bdb, txn, delivery, 0);
    return status == STATUS_OK ? bdb_due_put(bdb, txn, &due) : status;
}

/* What is due already keeps its place; under a lease that runs nobody may begin a second attempt. */
static enum status retry(struct bdb *bdb, DB_TXN *txn, const struct order *order, bool is_gone)
{
    struct delivery *delivery = &order->out->delivery;
    bool waits = delivery->status == DELIVERY_WAITING;
    if (is_gone)
        return STATUS_CONFLICT;
    if (waits && (delivery->lease_until_ms != 0 || delivery->next_attempt_at_ms <= order->now_ms))
        return STATUS_OK;
    return bdb_delivery_make_due(bdb, txn, delivery, order->now_ms);
}

/* ---- cancel ---- */

static enum status cancel(struct bdb *bdb, DB_TXN *txn, const struct order *order, bool is_gone)
{
    struct delivery *delivery = &order->out->delivery;
    (void)is_gone; /* then it is CANCELLED already */
    if (delivery->status != DELIVERY_WAITING)
        return STATUS_CONFLICT;
    enum status status = bdb_delivery_leave_place(bdb, txn, delivery);
    delivery_cancel(delivery, order->now_ms);
    return status == STATUS_OK ? bdb_delivery_write(bdb, txn, delivery, 0) : status;
}

/* ---- both ---- */

static enum status order_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct order *order = context;
    bool is_gone;
    enum status status = bdb_answer_begin(bdb, txn, order->answer);
    if (status == STATUS_OK)
        status = bdb_delivery_find(bdb, txn, order->organization_id, order->subscription_id, order->event_id,
                                   &order->out->delivery, &is_gone);
    if (status == STATUS_OK)
        status = bdb_event_head_read(bdb, txn, order->event_id, &order->out->event);
    if (status == STATUS_OK)
        status = order->obey(bdb, txn, order, is_gone);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, order->answer) : status;
}

static enum status carry_out(struct bdb *bdb, struct order *order)
{
    uint32_t tables = BDB_USES(BDB_IDEMPOTENCY) | BDB_USES(BDB_DELIVERY) | BDB_USES(BDB_EVENT) |
                      BDB_USES(bdb_inbox_table(order->event_id)) | BDB_USES(BDB_SUBSCRIPTION) | BDB_USES(BDB_DUE) |
                      BDB_USES(BDB_URGENT) | BDB_USES(BDB_FAILED);
    return bdb_run(bdb, BDB_SYNC, tables, order_work, order);
}

enum status bdb_retry(struct store *store, const struct uuid *organization_id, const struct object_id *subscription_id,
                      const struct object_id *event_id, int64_t now_ms, struct delivery_entry *out,
                      struct answer *answer)
{
    struct order order = {organization_id, subscription_id, event_id, now_ms, retry, out, answer};
    enum status status = carry_out(bdb_of(store), &order);
    if (status == STATUS_OK)
        bdb_wake(bdb_of(store));
    return status;
}

enum status bdb_cancel(struct store *store, const struct uuid *organization_id, const struct object_id *subscription_id,
                       const struct object_id *event_id, int64_t now_ms, struct delivery_entry *out,
                       struct answer *answer)
{
    struct order order = {organization_id, subscription_id, event_id, now_ms, cancel, out, answer};
    return carry_out(bdb_of(store), &order);
}
