/* Deliveries and their attempts: one row each, the key says whose. */
#include "store/bdb/bdb_due.h"

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

enum { NUMBER_BYTES = 4 };

static struct bdb_key attempt_key(const struct object_id *subscription_id, const struct object_id *event_id,
                                  uint32_t number)
{
    struct bdb_key key = bdb_delivery_key(subscription_id, event_id);
    bdb_key_add_number(&key, NUMBER_BYTES, number);
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

enum status bdb_attempt_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                             const struct object_id *event_id, uint32_t number, struct attempt *out)
{
    struct buf record = {0};
    struct bdb_key key = attempt_key(subscription_id, event_id, number);
    enum status status = bdb_get(bdb, txn, BDB_ATTEMPT, &key, 0, &record);
    if (status == STATUS_OK)
        status = attempt_decode(buf_slice(&record), out);
    buf_clear(&record);
    return status;
}

enum status bdb_attempt_next(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery, uint32_t *number,
                             struct attempt *out)
{
    struct bdb_cursor cursor;
    const struct bdb_key wanted = attempt_key(&delivery->subscription_id, &delivery->event_id, *number);
    const size_t prefix = wanted.length - NUMBER_BYTES;
    enum status status = bdb_cursor_open(bdb, txn, BDB_ATTEMPT, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &wanted);
    if (status == STATUS_OK) {
        bool is_its = cursor.key.length == wanted.length && memcmp(cursor.key.bytes, wanted.bytes, prefix) == 0;
        uint32_t found = is_its ? (uint32_t)bytes_get(cursor.key.bytes + prefix, NUMBER_BYTES) : UINT32_MAX;
        *number = found <= delivery->attempt_count ? found : *number;
        status = found <= delivery->attempt_count ? attempt_decode(buf_slice(&cursor.value), out) : STATUS_NOT_FOUND;
    }
    bdb_cursor_close(&cursor);
    return status;
}

static enum status attempt_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_attempt_read(bdb, txn, lookup->subscription_id, lookup->event_id, lookup->number, lookup->out);
}

enum status bdb_attempt_get(struct store *store, const struct object_id *subscription_id,
                            const struct object_id *event_id, uint32_t number, struct attempt *out)
{
    struct lookup lookup = {subscription_id, event_id, number, out};
    return bdb_run(bdb_of(store), BDB_READ, 0, attempt_work, &lookup);
}

/* ---- the end ---- */

/* The keys of the first `max`; *count is one more where there are more. */
static enum status find_attempts(struct bdb *bdb, DB_TXN *txn, const struct bdb_key *prefix, size_t max,
                                 struct bdb_key *first, size_t *count)
{
    struct bdb_cursor cursor;
    *count = 0;
    enum status status = bdb_cursor_open(bdb, txn, BDB_ATTEMPT, DB_RMW, &cursor);
    if (status != STATUS_OK)
        return status;
    for (status = bdb_cursor_seek(&cursor, prefix); status == STATUS_OK; status = bdb_cursor_next(&cursor)) {
        if (cursor.key.length < prefix->length || memcmp(cursor.key.bytes, prefix->bytes, prefix->length) != 0)
            break;
        if (*count < max)
            first[*count] = cursor.key;
        if (++*count > max)
            break;
    }
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status bdb_delivery_forget(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery, size_t max, size_t *rows,
                                bool *is_gone)
{
    struct bdb_key attempts[BDB_STEP_MAX];
    struct bdb_key key = bdb_delivery_key(&delivery->subscription_id, &delivery->event_id);
    size_t most = max < BDB_STEP_MAX ? max : BDB_STEP_MAX;
    size_t count;
    enum status status = find_attempts(bdb, txn, &key, most, attempts, &count);
    *is_gone = count <= most;
    /* cppcheck-suppress knownConditionTrueFalse ; it takes `most` for 0 */
    for (size_t i = 0; i < count && i < most && status == STATUS_OK; i++) {
        status = bdb_delete(bdb, txn, BDB_ATTEMPT, &attempts[i]);
        ++*rows;
    }
    if (status != STATUS_OK || !*is_gone)
        return status;
    const struct bdb_failed failed = {delivery->subscription_id, delivery->finished_at_ms, delivery->event_id};
    if (delivery->status == DELIVERY_FAILED)
        status = bdb_failed_delete(bdb, txn, &failed);
    ++*rows;
    return status == STATUS_OK ? bdb_delete(bdb, txn, BDB_DELIVERY, &key) : status;
}
