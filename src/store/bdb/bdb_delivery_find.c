/* One delivery as a client knows it, which is more than its row: a wide event's deliveries are there before their rows
 * are, and deleting a subscription cancels what waits before any row is changed. */
#include "store/bdb/bdb_event.h"

/* ---- without a row ---- */

static bool index_of(const struct event *event, const struct object_id *subscription_id, size_t *out)
{
    for (size_t i = 0; i < event->subscription_count; i++) {
        if (object_id_compare(&event->subscriptions[i], subscription_id) != 0)
            continue;
        *out = i;
        return true;
    }
    return false;
}

/* STATUS_NOT_FOUND: none of the event's, or its row was written in the meantime, or once. */
static enum status find_unwritten(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                                  const struct object_id *event_id, struct delivery *out)
{
    struct event event;
    size_t index;
    enum status status = bdb_event_read(bdb, txn, event_id, &event);
    if (status != STATUS_OK)
        return status;
    status = bdb_event_progress(bdb, txn, &event);
    if (status == STATUS_OK && (!index_of(&event, subscription_id, &index) || index < event.expanded_count))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *out = bdb_delivery_new(&event, index);
    event_clear(&event);
    return status;
}

/* The row is looked for once more, should it have been written between two looks. */
static enum status find_anywhere(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                                 const struct object_id *event_id, struct delivery *out)
{
    u_int32_t flags = txn ? DB_RMW : 0;
    enum status status = bdb_delivery_read(bdb, txn, subscription_id, event_id, flags, out);
    if (status == STATUS_NOT_FOUND)
        status = find_unwritten(bdb, txn, subscription_id, event_id, out);
    if (status == STATUS_NOT_FOUND)
        status = bdb_delivery_read(bdb, txn, subscription_id, event_id, flags, out);
    return status;
}

/* ---- with its subscription ---- */

enum status bdb_subscription_expect(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id,
                                    const struct object_id *id)
{
    struct subscription subscription;
    enum status status =
        bdb_subscription_read(bdb, txn, organization_id, id, txn ? DB_READ_COMMITTED : 0, &subscription);
    if (status != STATUS_OK)
        return status;
    status = subscription.is_deleted ? STATUS_NOT_FOUND : STATUS_OK;
    subscription_clear(&subscription);
    return status;
}

static enum status see_subscription(struct bdb *bdb, DB_TXN *txn, struct delivery *delivery, bool *is_gone)
{
    struct subscription subscription;
    enum status status = bdb_subscription_read(bdb, txn, &delivery->organization_id, &delivery->subscription_id,
                                               txn ? DB_READ_COMMITTED : 0, &subscription);
    *is_gone = status == STATUS_NOT_FOUND || (status == STATUS_OK && subscription.is_deleted);
    if (status != STATUS_OK)
        return *is_gone ? STATUS_OK : status;
    if (*is_gone && delivery->status == DELIVERY_WAITING)
        bdb_delivery_cancel(delivery, subscription.updated_at_ms);
    subscription_clear(&subscription);
    return STATUS_OK;
}

enum status bdb_delivery_find(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id,
                              const struct object_id *subscription_id, const struct object_id *event_id,
                              struct delivery *out, bool *is_gone)
{
    struct delivery found;
    enum status status = find_anywhere(bdb, txn, subscription_id, event_id, &found);
    if (status == STATUS_OK && memcmp(&found.organization_id, organization_id, sizeof *organization_id) != 0)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = see_subscription(bdb, txn, &found, is_gone);
    if (status == STATUS_OK)
        *out = found;
    return status;
}

/* ---- get ---- */

struct lookup {
    const struct uuid *organization_id;
    const struct object_id *subscription_id;
    const struct object_id *event_id;
    struct delivery *out;
};

static enum status get_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    bool is_gone;
    return bdb_delivery_find(bdb, txn, lookup->organization_id, lookup->subscription_id, lookup->event_id, lookup->out,
                             &is_gone);
}

enum status bdb_delivery_get(struct store *store, const struct uuid *organization_id,
                             const struct object_id *subscription_id, const struct object_id *event_id,
                             struct delivery *out)
{
    struct lookup lookup = {organization_id, subscription_id, event_id, out};
    return bdb_run(bdb_of(store), BDB_READ, 0, get_work, &lookup);
}
