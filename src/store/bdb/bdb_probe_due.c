/* Which probes are pending, and when each may be claimed: at once, or when the lease of the worker that has it ends. */
#include "store/bdb/bdb_probe.h"

/* key: subscription; value: version, time, organization */
enum { VERSION = 1, TIME_AT = 1, ORGANIZATION_AT = TIME_AT + 8, VALUE_BYTES = ORGANIZATION_AT + UUID_BYTES };

static struct bdb_key key_of(const struct object_id *subscription_id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, subscription_id->bytes, sizeof subscription_id->bytes);
    return key;
}

enum status bdb_probe_due_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_probe_due *due)
{
    unsigned char value[VALUE_BYTES] = {VERSION};
    struct bdb_key key = key_of(&due->subscription_id);
    bytes_put(value + TIME_AT, 8, due->due_at_ms > 0 ? (uint64_t)due->due_at_ms : 0);
    memcpy(value + ORGANIZATION_AT, due->organization_id.bytes, UUID_BYTES);
    return bdb_put(bdb, txn, BDB_PROBE_DUE, &key, (struct slice){(const char *)value, sizeof value}, 0);
}

enum status bdb_probe_due_delete(struct bdb *bdb, DB_TXN *txn, const struct bdb_probe_due *due)
{
    struct bdb_key key = key_of(&due->subscription_id);
    enum status status = bdb_delete(bdb, txn, BDB_PROBE_DUE, &key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status decode(const struct bdb_cursor *cursor, struct bdb_probe_due *out)
{
    const char *value = cursor->value.data;
    if (cursor->value.length >= 1 && (unsigned char)value[0] > VERSION)
        return STATUS_VERSION;
    if (cursor->key.length != OBJECT_ID_BYTES || cursor->value.length != VALUE_BYTES)
        return STATUS_CORRUPT;
    memcpy(out->subscription_id.bytes, cursor->key.bytes, OBJECT_ID_BYTES);
    out->due_at_ms = (int64_t)bytes_get(value + TIME_AT, 8);
    memcpy(out->organization_id.bytes, value + ORGANIZATION_AT, UUID_BYTES);
    return STATUS_OK;
}

struct hop {
    const struct object_id *after;
    struct bdb_probe_due *out;
};

static enum status hop_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct hop *hop = context;
    struct object_id next = *hop->after;
    struct bdb_cursor cursor;
    object_id_increment(&next);
    struct bdb_key start = key_of(&next);
    if (object_id_compare(&next, hop->after) < 0)
        return STATUS_NOT_FOUND; /* it was the last id that there can be */
    enum status status = bdb_cursor_open(bdb, txn, BDB_PROBE_DUE, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &start);
    if (status == STATUS_OK)
        status = decode(&cursor, hop->out);
    bdb_cursor_close(&cursor);
    return status;
}

enum status bdb_probe_due_hop(struct bdb *bdb, const struct object_id *after, struct bdb_probe_due *out)
{
    struct hop hop = {after, out};
    return bdb_run(bdb, BDB_READ, 0, hop_work, &hop);
}

enum status bdb_probe_is_due(struct bdb *bdb, int64_t now_ms, bool *out)
{
    struct bdb_probe_due row = {.due_at_ms = INT64_MAX};
    struct object_id after = {{0}};
    enum status status = bdb_probe_due_hop(bdb, &after, &row);
    while (status == STATUS_OK && row.due_at_ms > now_ms) {
        after = row.subscription_id;
        status = bdb_probe_due_hop(bdb, &after, &row);
    }
    *out = status == STATUS_OK;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
