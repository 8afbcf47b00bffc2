/* Deliveries and their attempts: one row each, the key says whose. */
#include "store/bdb/bdb.h"

#include "model/record.h"

struct bdb_key bdb_delivery_key(const struct object_id *subscription_id, const struct object_id *event_id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, subscription_id->bytes, sizeof subscription_id->bytes);
    bdb_key_add(&key, event_id->bytes, sizeof event_id->bytes);
    return key;
}

struct delivery bdb_delivery_new(const struct event *event, size_t index)
{
    return (struct delivery){.subscription_id = event->subscriptions[index],
                             .event_id = event->id,
                             .organization_id = event->organization_id,
                             .status = DELIVERY_WAITING,
                             .next_attempt_at_ms = event->created_at_ms,
                             .created_at_ms = event->created_at_ms};
}

void bdb_delivery_cancel(struct delivery *delivery, int64_t at_ms)
{
    delivery->status = DELIVERY_CANCELLED;
    delivery->lease_until_ms = 0;
    delivery->next_attempt_at_ms = 0;
    delivery->finished_at_ms = at_ms > delivery->created_at_ms ? at_ms : delivery->created_at_ms;
}

enum status bdb_delivery_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                              const struct object_id *event_id, u_int32_t flags, struct delivery *out)
{
    struct buf record = {0};
    struct bdb_key key = bdb_delivery_key(subscription_id, event_id);
    struct delivery found = {.subscription_id = *subscription_id, .event_id = *event_id};
    enum status status = bdb_get(bdb, txn, BDB_DELIVERY, &key, flags, &record);
    if (status == STATUS_OK)
        status = delivery_decode(buf_slice(&record), &found);
    if (status == STATUS_OK)
        *out = found;
    buf_clear(&record);
    return status;
}

enum status bdb_delivery_write(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery, u_int32_t flags)
{
    struct buf record = {0};
    struct bdb_key key = bdb_delivery_key(&delivery->subscription_id, &delivery->event_id);
    delivery_encode(delivery, &record);
    enum status status = bdb_put(bdb, txn, BDB_DELIVERY, &key, buf_slice(&record), flags);
    buf_clear(&record);
    return status;
}

/* ---- attempts ---- */

static struct bdb_key attempt_key(const struct object_id *subscription_id, const struct object_id *event_id,
                                  uint32_t number)
{
    struct bdb_key key = bdb_delivery_key(subscription_id, event_id);
    bdb_key_add_number(&key, 4, number);
    return key;
}

enum status bdb_attempt_write(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery,
                              const struct attempt *attempt)
{
    struct buf record = {0};
    struct bdb_key key = attempt_key(&delivery->subscription_id, &delivery->event_id, attempt->number);
    attempt_encode(attempt, &record);
    enum status status = bdb_put(bdb, txn, BDB_ATTEMPT, &key, buf_slice(&record), 0);
    buf_clear(&record);
    return status;
}

struct lookup {
    const struct object_id *subscription_id;
    const struct object_id *event_id;
    uint32_t number;
    struct attempt *out;
};

static enum status attempt_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    struct buf record = {0};
    struct bdb_key key = attempt_key(lookup->subscription_id, lookup->event_id, lookup->number);
    enum status status = bdb_get(bdb, txn, BDB_ATTEMPT, &key, 0, &record);
    if (status == STATUS_OK)
        status = attempt_decode(buf_slice(&record), lookup->out);
    buf_clear(&record);
    return status;
}

enum status bdb_attempt_get(struct store *store, const struct object_id *subscription_id,
                            const struct object_id *event_id, uint32_t number, struct attempt *out)
{
    struct lookup lookup = {subscription_id, event_id, number, out};
    return bdb_run(bdb_of(store), BDB_READ, 0, attempt_work, &lookup);
}
