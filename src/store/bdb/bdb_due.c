/* The order of work: for each subscription its waiting deliveries by the time when they are due; forced ones in a table
 * of their own. The worker writes here, and who makes one delivery due by hand; publishing does not. One look at a
 * subscription's first row says whether it has anything to do, however much waits behind it. */
#include "store/bdb/bdb_due.h"

/* key: subscription, due time, event; value: version, generation, organization. Of the event's id the lane stands last,
 * so that what is due in one millisecond stands in the order of its creation, whoever published it. (In rows of version
 * 1 it stands first.) */
enum {
    DUE_VERSION = 2,
    DUE_TIME_AT = OBJECT_ID_BYTES,
    DUE_EVENT_AT = DUE_TIME_AT + 8,
    DUE_KEY_BYTES = DUE_EVENT_AT + OBJECT_ID_BYTES,
    DUE_VALUE_BYTES = 1 + 4 + UUID_BYTES
};

static struct bdb_key key_of(const struct bdb_due *due)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, due->subscription_id.bytes, OBJECT_ID_BYTES);
    bdb_key_add_number(&key, 8, due->due_at_ms > 0 ? (uint64_t)due->due_at_ms : 0);
    const unsigned char *id = due->event_id.bytes;
    bdb_key_add(&key, due->has_old_key ? id : id + 1, OBJECT_ID_BYTES - 1);
    bdb_key_add(&key, due->has_old_key ? id + OBJECT_ID_BYTES - 1 : id, 1);
    return key;
}

static enum bdb_table table_of(bool is_forced)
{
    return is_forced ? BDB_URGENT : BDB_DUE;
}

static void take_event_id(const unsigned char *key, struct bdb_due *out)
{
    unsigned char *id = out->event_id.bytes;
    memcpy(out->has_old_key ? id : id + 1, key, OBJECT_ID_BYTES - 1);
    memcpy(out->has_old_key ? id + OBJECT_ID_BYTES - 1 : id, key + OBJECT_ID_BYTES - 1, 1);
}

enum status bdb_due_decode(const struct bdb_key *key, struct slice value, struct bdb_due *out)
{
    if (value.length >= 1 && (unsigned char)value.data[0] > DUE_VERSION)
        return STATUS_VERSION;
    if (key->length != DUE_KEY_BYTES || value.length != DUE_VALUE_BYTES)
        return STATUS_CORRUPT;
    memcpy(out->subscription_id.bytes, key->bytes, OBJECT_ID_BYTES);
    out->due_at_ms = (int64_t)bytes_get(key->bytes + DUE_TIME_AT, 8);
    out->has_old_key = value.data[0] == 1;
    take_event_id(key->bytes + DUE_EVENT_AT, out);
    out->generation = (uint32_t)bytes_get(value.data + 1, 4);
    memcpy(out->organization_id.bytes, value.data + 5, UUID_BYTES);
    return STATUS_OK;
}

static enum status decode(const struct bdb_cursor *cursor, bool is_forced, struct bdb_due *out)
{
    out->is_forced = is_forced;
    return bdb_due_decode(&cursor->key, buf_slice(&cursor->value), out);
}

struct bdb_due bdb_due_of(const struct delivery *delivery)
{
    bool is_leased = delivery->lease_until_ms != 0;
    return (struct bdb_due){.subscription_id = delivery->subscription_id,
                            .due_at_ms = is_leased ? delivery->lease_until_ms : delivery->next_attempt_at_ms,
                            .event_id = delivery->event_id,
                            .generation = delivery->generation,
                            .organization_id = delivery->organization_id,
                            .is_forced = delivery->is_forced};
}

static enum status write_row(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due, u_int32_t flags)
{
    unsigned char value[DUE_VALUE_BYTES] = {DUE_VERSION};
    struct bdb_key key = key_of(due);
    bytes_put(value + 1, 4, due->generation);
    memcpy(value + 5, due->organization_id.bytes, UUID_BYTES);
    struct slice row = {(const char *)value, sizeof value};
    return bdb_put(bdb, txn, table_of(due->is_forced), &key, row, flags);
}

enum status bdb_due_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due)
{
    return write_row(bdb, txn, due, 0);
}

enum status bdb_due_add(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due)
{
    return write_row(bdb, txn, due, DB_NOOVERWRITE);
}

enum status bdb_due_delete(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due)
{
    struct bdb_key key = key_of(due);
    enum status status = bdb_delete(bdb, txn, table_of(due->is_forced), &key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status bdb_due_move(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due, int64_t due_at_ms)
{
    struct bdb_cursor cursor;
    struct bdb_due row = {.due_at_ms = 0};
    const struct bdb_key key = key_of(due);
    enum status status = bdb_cursor_open(bdb, txn, table_of(due->is_forced), DB_RMW, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &key);
    if (status == STATUS_OK &&
        (cursor.key.length != key.length || memcmp(cursor.key.bytes, key.bytes, key.length) != 0))
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = decode(&cursor, due->is_forced, &row);
    bdb_cursor_close(&cursor);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = bdb_due_delete(bdb, txn, &row);
    row.due_at_ms = due_at_ms;
    row.has_old_key = false;
    return status == STATUS_OK ? bdb_due_put(bdb, txn, &row) : status;
}

/* ---- hopping ---- */

struct hop {
    bool is_forced;
    const struct object_id *subscription_id; /* this one or the next */
    struct bdb_due *out;
};

static enum status hop_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct hop *hop = context;
    struct bdb_cursor cursor;
    struct bdb_key start = key_of(&(struct bdb_due){.subscription_id = *hop->subscription_id});
    enum status status = bdb_cursor_open(bdb, txn, table_of(hop->is_forced), 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &start);
    if (status == STATUS_OK)
        status = decode(&cursor, hop->is_forced, hop->out);
    bdb_cursor_close(&cursor);
    return status;
}

enum status bdb_due_hop(struct bdb *bdb, bool is_forced, const struct object_id *after, struct bdb_due *out)
{
    struct object_id next = *after;
    struct hop hop = {is_forced, &next, out};
    object_id_increment(&next);
    if (object_id_compare(&next, after) < 0)
        return STATUS_NOT_FOUND; /* it was the last id that there can be */
    return bdb_run(bdb, BDB_READ, 0, hop_work, &hop);
}

enum status bdb_due_first(struct bdb *bdb, const struct object_id *subscription_id, struct bdb_due *out)
{
    struct bdb_due found;
    struct hop hop = {false, subscription_id, &found};
    enum status status = bdb_run(bdb, BDB_READ, 0, hop_work, &hop);
    if (status == STATUS_OK && object_id_compare(&found.subscription_id, subscription_id) != 0)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *out = found;
    return status;
}

/* ---- walking ---- */

enum status bdb_due_walk_open(struct bdb *bdb, DB_TXN *txn, bool is_forced, const struct object_id *subscription_id,
                              int64_t from_ms, struct bdb_due_walk *out)
{
    out->subscription_id = *subscription_id;
    out->is_forced = is_forced;
    out->start = key_of(&(struct bdb_due){.subscription_id = *subscription_id, .due_at_ms = from_ms});
    out->has_begun = false;
    return bdb_cursor_open(bdb, txn, table_of(is_forced), txn ? DB_RMW : 0, &out->cursor);
}

enum status bdb_due_walk_next(struct bdb_due_walk *walk, struct bdb_due *out)
{
    struct bdb_due row;
    enum status status =
        walk->has_begun ? bdb_cursor_next(&walk->cursor) : bdb_cursor_seek(&walk->cursor, &walk->start);
    walk->has_begun = true;
    if (status == STATUS_OK)
        status = decode(&walk->cursor, walk->is_forced, &row);
    if (status == STATUS_OK && object_id_compare(&row.subscription_id, &walk->subscription_id) != 0)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *out = row;
    return status;
}

void bdb_due_walk_close(struct bdb_due_walk *walk)
{
    bdb_cursor_close(&walk->cursor);
}

/* ---- collecting ---- */

enum status bdb_due_collect(struct bdb *bdb, DB_TXN *txn, bool is_forced, const struct object_id *subscription_id,
                            int64_t now_ms, size_t max, struct bdb_due *out, size_t *count, int64_t *next_due_ms)
{
    struct bdb_due_walk walk;
    struct bdb_due row;
    enum status status = bdb_due_walk_open(bdb, txn, is_forced, subscription_id, 0, &walk);
    if (status != STATUS_OK)
        return status;
    *count = 0;
    while ((status = bdb_due_walk_next(&walk, &row)) == STATUS_OK && row.due_at_ms <= now_ms && *count < max)
        out[(*count)++] = row;
    if (status == STATUS_OK && row.due_at_ms > now_ms && row.due_at_ms < *next_due_ms)
        *next_due_ms = row.due_at_ms;
    bdb_due_walk_close(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}
