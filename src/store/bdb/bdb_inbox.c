/* The inbox: new events between publishing and the worker. It is nearly empty most of the time, and a nearly empty
 * database is one page, which a publisher holds until its commit is on disk: hence one for each lane. */
#include "store/bdb/bdb_event.h"

/* version, taken, creation */
enum { INBOX_VERSION = 1, INBOX_BYTES = 1 + 4 + 8 };

enum bdb_table bdb_inbox_table(const struct object_id *event_id)
{
    return (enum bdb_table)(BDB_INBOX + event_id->bytes[0] % BDB_LANES);
}

enum status bdb_inbox_decode(struct slice bytes, struct bdb_inbox_row *out)
{
    if (bytes.length >= 1 && (unsigned char)bytes.data[0] > INBOX_VERSION)
        return STATUS_VERSION;
    if (bytes.length != INBOX_BYTES)
        return STATUS_CORRUPT;
    out->taken = (uint32_t)bytes_get(bytes.data + 1, 4);
    out->created_at_ms = (int64_t)bytes_get(bytes.data + 5, 8);
    return STATUS_OK;
}

enum status bdb_inbox_get(struct bdb *bdb, DB_TXN *txn, const struct object_id *event_id, u_int32_t flags,
                          struct bdb_inbox_row *out)
{
    struct buf value = {0};
    struct bdb_key key = bdb_event_key(event_id);
    enum status status = bdb_get(bdb, txn, bdb_inbox_table(event_id), &key, flags, &value);
    if (status == STATUS_OK)
        status = bdb_inbox_decode(buf_slice(&value), out);
    buf_clear(&value);
    return status;
}

enum status bdb_inbox_put(struct bdb *bdb, DB_TXN *txn, const struct object_id *event_id,
                          const struct bdb_inbox_row *row)
{
    unsigned char value[INBOX_BYTES] = {INBOX_VERSION};
    struct bdb_key key = bdb_event_key(event_id);
    bytes_put(value + 1, 4, row->taken);
    bytes_put(value + 5, 8, (uint64_t)row->created_at_ms);
    return bdb_put(bdb, txn, bdb_inbox_table(event_id), &key, (struct slice){(const char *)value, sizeof value}, 0);
}

/* ---- the oldest ---- */

/* Of one lane: ids of a lane rise with time, so its first row is the oldest. STATUS_NOT_FOUND: it is empty. */
static enum status read_first(struct bdb *bdb, enum bdb_table lane, struct bdb_inbox_row *out)
{
    struct bdb_cursor cursor;
    struct bdb_key start = {.length = 0};
    enum status status = bdb_cursor_open(bdb, NULL, lane, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &start);
    if (status == STATUS_OK)
        status = bdb_inbox_decode(buf_slice(&cursor.value), out);
    bdb_cursor_close(&cursor);
    return status;
}

static enum status oldest_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    int64_t *oldest_ms = context;
    (void)txn;
    *oldest_ms = 0;
    for (unsigned lane = 0; lane < BDB_LANES; lane++) {
        struct bdb_inbox_row row;
        enum status status = read_first(bdb, (enum bdb_table)(BDB_INBOX + lane), &row);
        if (status == STATUS_OK && (*oldest_ms == 0 || row.created_at_ms < *oldest_ms))
            *oldest_ms = row.created_at_ms;
        else if (status != STATUS_OK && status != STATUS_NOT_FOUND)
            return status;
    }
    return STATUS_OK;
}

enum status bdb_oldest_new_event(struct store *store, int64_t *created_at_ms)
{
    return bdb_run(bdb_of(store), BDB_READ, 0, oldest_work, created_at_ms);
}
