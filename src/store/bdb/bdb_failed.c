/* What ended in failure, of each subscription by time: so that the failures of a window are found without a look at all
 * that was delivered. A settlement writes a row with the delivery; whoever revives the delivery takes it away. */
#include "store/bdb/bdb_due.h"

/* key: subscription, finished, event; value: version */
enum {
    FAILED_VERSION = 1,
    FINISHED_AT = OBJECT_ID_BYTES,
    EVENT_AT = FINISHED_AT + 8,
    FAILED_KEY_BYTES = EVENT_AT + OBJECT_ID_BYTES
};

static struct bdb_key key_of(const struct bdb_failed *failed)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, failed->subscription_id.bytes, OBJECT_ID_BYTES);
    bdb_key_add_number(&key, 8, failed->finished_at_ms > 0 ? (uint64_t)failed->finished_at_ms : 0);
    bdb_key_add(&key, failed->event_id.bytes, OBJECT_ID_BYTES);
    return key;
}

enum status bdb_failed_put(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery)
{
    static const char value[] = {FAILED_VERSION};
    struct bdb_key key =
        key_of(&(struct bdb_failed){delivery->subscription_id, delivery->finished_at_ms, delivery->event_id});
    return bdb_put(bdb, txn, BDB_FAILED, &key, (struct slice){value, sizeof value}, 0);
}

enum status bdb_failed_delete(struct bdb *bdb, DB_TXN *txn, const struct bdb_failed *failed)
{
    struct bdb_key key = key_of(failed);
    enum status status = bdb_delete(bdb, txn, BDB_FAILED, &key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status decode(const struct bdb_cursor *cursor, struct bdb_failed *out)
{
    if (cursor->value.length >= 1 && (unsigned char)cursor->value.data[0] > FAILED_VERSION)
        return STATUS_VERSION;
    if (cursor->key.length != FAILED_KEY_BYTES || cursor->value.length != 1)
        return STATUS_CORRUPT;
    memcpy(out->subscription_id.bytes, cursor->key.bytes, OBJECT_ID_BYTES);
    out->finished_at_ms = (int64_t)bytes_get(cursor->key.bytes + FINISHED_AT, 8);
    memcpy(out->event_id.bytes, cursor->key.bytes + EVENT_AT, OBJECT_ID_BYTES);
    return STATUS_OK;
}

enum status bdb_failed_collect(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id, int64_t since_ms,
                               int64_t until_ms, size_t max, struct bdb_failed *out, size_t *count, bool *has_more)
{
    struct bdb_cursor cursor;
    struct bdb_key start =
        key_of(&(struct bdb_failed){.subscription_id = *subscription_id, .finished_at_ms = since_ms});
    enum status status = bdb_cursor_open(bdb, txn, BDB_FAILED, DB_RMW, &cursor);
    if (status != STATUS_OK)
        return status;
    *count = 0;
    *has_more = false;
    for (status = bdb_cursor_seek(&cursor, &start); status == STATUS_OK; status = bdb_cursor_next(&cursor)) {
        struct bdb_failed row;
        status = decode(&cursor, &row);
        if (status != STATUS_OK || object_id_compare(&row.subscription_id, subscription_id) != 0 ||
            row.finished_at_ms >= until_ms)
            break;
        *has_more = *count == max;
        if (*has_more)
            break;
        out[(*count)++] = row;
    }
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
