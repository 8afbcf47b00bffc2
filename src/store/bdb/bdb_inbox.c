/* The inbox: new events between publishing and the worker. It is nearly empty most of the time, and a nearly empty
 * database is one page, which a publisher holds until its commit is on disk: hence one for each lane. */
#include "store/bdb/bdb.h"

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
