/* The worker's own notes on a subscription. Most have none: a row is written when a subscription begins to fail, and
 * not touched again until it succeeds. */
#include "store/bdb/bdb.h"

/* version, failing since, ordered to */
enum { HEALTH_VERSION = 1, HEALTH_BYTES = 1 + 8 + 8 };

static struct bdb_key key_of(const struct object_id *subscription_id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, subscription_id->bytes, sizeof subscription_id->bytes);
    return key;
}

static enum status decode(const struct buf *row, struct bdb_health *out)
{
    if (row->length >= 1 && (unsigned char)row->data[0] > HEALTH_VERSION)
        return STATUS_VERSION;
    if (row->length != HEALTH_BYTES)
        return STATUS_CORRUPT;
    out->failing_since_ms = (int64_t)bytes_get(row->data + 1, 8);
    out->ordered_to_ms = (int64_t)bytes_get(row->data + 9, 8);
    return STATUS_OK;
}

enum status bdb_health_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id, u_int32_t flags,
                            struct bdb_health *out)
{
    struct buf row = {0};
    struct bdb_key key = key_of(subscription_id);
    enum status status = bdb_get(bdb, txn, BDB_HEALTH, &key, flags, &row);
    if (status == STATUS_OK)
        status = decode(&row, out);
    else if (status == STATUS_NOT_FOUND) {
        *out = (struct bdb_health){.failing_since_ms = 0};
        status = STATUS_OK;
    }
    buf_clear(&row);
    return status;
}

enum status bdb_health_write(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                             const struct bdb_health *health)
{
    unsigned char value[HEALTH_BYTES] = {HEALTH_VERSION};
    struct bdb_key key = key_of(subscription_id);
    if (health->failing_since_ms == 0 && health->ordered_to_ms == 0) {
        enum status status = bdb_delete(bdb, txn, BDB_HEALTH, &key);
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    }
    bytes_put(value + 1, 8, (uint64_t)health->failing_since_ms);
    bytes_put(value + 9, 8, (uint64_t)health->ordered_to_ms);
    return bdb_put(bdb, txn, BDB_HEALTH, &key, (struct slice){(const char *)value, sizeof value}, 0);
}
