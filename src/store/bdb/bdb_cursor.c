/* Ordered walks over a table. */
#include "store/bdb/bdb.h"

enum { FIRST_GUESS = 1024 };

enum status bdb_cursor_open(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, u_int32_t flags, struct bdb_cursor *out)
{
    DB *db;
    enum status status = bdb_table_open(bdb, table, &db);
    if (status != STATUS_OK)
        return status;
    struct bdb_cursor cursor = {.bdb = bdb, .flags = flags};
    status = bdb_status(bdb, db->cursor(db, txn, &cursor.dbc, 0), "cursor");
    if (status == STATUS_OK)
        *out = cursor;
    return status;
}

void bdb_cursor_close(struct bdb_cursor *cursor)
{
    if (cursor->dbc)
        cursor->dbc->close(cursor->dbc);
    cursor->dbc = NULL;
    buf_clear(&cursor->value);
}

static enum status cursor_get(struct bdb_cursor *cursor, u_int32_t operation)
{
    DBT key = {.data = cursor->key.bytes,
               .size = (u_int32_t)cursor->key.length,
               .ulen = sizeof cursor->key.bytes,
               .flags = DB_DBT_USERMEM};
    DBT value = {.flags = DB_DBT_USERMEM | (cursor->is_for_keys ? (u_int32_t)DB_DBT_PARTIAL : 0)};
    const struct bdb_key wanted = cursor->key;
    int code;
    buf_reset(&cursor->value);
    buf_reserve(&cursor->value, FIRST_GUESS);
    for (;;) {
        value.data = cursor->value.data;
        value.ulen = (u_int32_t)cursor->value.capacity - 1;
        code = cursor->dbc->get(cursor->dbc, &key, &value, operation | cursor->flags);
        if (code != DB_BUFFER_SMALL)
            break;
        buf_reserve(&cursor->value, value.size);
        cursor->key = wanted; /* the cursor has not moved, but the key that was found may stand there already */
        key.size = (u_int32_t)wanted.length;
    }
    if (code == 0) {
        cursor->key.length = key.size;
        cursor->value.length = value.size;
        cursor->value.data[value.size] = '\0';
    }
    return bdb_status(cursor->bdb, code, "walk");
}

enum status bdb_cursor_seek(struct bdb_cursor *cursor, const struct bdb_key *key)
{
    cursor->key = *key;
    return cursor_get(cursor, DB_SET_RANGE);
}

enum status bdb_cursor_next(struct bdb_cursor *cursor)
{
    return cursor_get(cursor, DB_NEXT);
}

enum status bdb_cursor_previous(struct bdb_cursor *cursor)
{
    return cursor_get(cursor, DB_PREV);
}

enum status bdb_cursor_seek_before(struct bdb_cursor *cursor, const struct bdb_key *key)
{
    enum status status = bdb_cursor_seek(cursor, key);
    if (status == STATUS_NOT_FOUND)
        return cursor_get(cursor, DB_LAST);
    return status == STATUS_OK ? bdb_cursor_previous(cursor) : status;
}
