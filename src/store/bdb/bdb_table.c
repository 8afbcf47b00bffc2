/* The databases and the three things that are done to one row. Handles are opened by their first user, because a
 * program that is started for a single request must not pay for all of them. */
#include "store/bdb/bdb.h"

#include <errno.h>

#include "base/log.h"

/* A record that takes more than a quarter of a page goes to pages of its own, and getting those locks the whole
 * database for others until the commit is on disk: so pages are as large as usual records ask for. */
struct table {
    const char *name;
    u_int32_t page_bytes;
    u_int32_t settings; /* of DB->set_flags */
};

static const struct table tables[BDB_INBOX + 1] = {
    [BDB_API_KEY] = {"apikey", 4096, 0},
    [BDB_API_KEY_ID] = {"apikey_id", 4096, 0},
    [BDB_SUBSCRIPTION] = {"subscription", 8192, 0},
    [BDB_SUBSCRIPTION_NAME] = {"subscription_name", 4096, 0},
    [BDB_ORGANIZATION] = {"organization", 4096, 0},
    [BDB_EVENT] = {"event", 16384, 0},
    [BDB_DELIVERY] = {"delivery", 8192, 0},
    [BDB_ATTEMPT] = {"attempt", 16384, 0},
    [BDB_DUE] = {"due", 8192, 0},
    [BDB_IDEMPOTENCY] = {"idempotency", 8192, DB_REVSPLITOFF}, /* keeps the pages that bdb_spread made */
    [BDB_URGENT] = {"urgent", 4096, 0},
    [BDB_FAILED] = {"failed", 8192, 0},
    [BDB_HEALTH] = {"health", 4096, 0},
    [BDB_PROBE] = {"probe", 4096, 0},
    [BDB_PROBE_DUE] = {"probe_due", 4096, 0},
    [BDB_INBOX] = {"inbox", 4096, 0}, /* and the following, one a lane */
};

static const struct table *table_of(enum bdb_table table)
{
    return &tables[table < BDB_INBOX ? table : BDB_INBOX];
}

const char *bdb_table_name(enum bdb_table table)
{
    return table_of(table)->name;
}

/* ---- handles ---- */

static enum status open_handle(struct bdb *bdb, enum bdb_table table, DB **out)
{
    const u_int32_t flags = DB_AUTO_COMMIT | DB_THREAD | (bdb->makes_tables ? DB_CREATE : 0);
    char file[BDB_FILE_NAME];
    DB *db;
    bdb_table_file(table, file);
    enum status status = bdb_status(bdb, db_create(&db, bdb->env, 0), file);
    if (status != STATUS_OK)
        return status;
    int code = db->set_pagesize(db, table_of(table)->page_bytes);
    if (code == 0 && table_of(table)->settings)
        code = db->set_flags(db, table_of(table)->settings);
    if (code == 0)
        code = db->open(db, NULL, file, NULL, DB_BTREE, flags, 0600);
    if (code == ENOENT) {
        log_error("store_table_missing", LOG_TEXT("file", file));
        code = DB_VERIFY_BAD;
    }
    status = bdb_status(bdb, code, file);
    if (status == STATUS_OK)
        *out = db;
    else
        db->close(db, DB_NOSYNC);
    return status;
}

enum status bdb_table_open(struct bdb *bdb, enum bdb_table table, DB **out)
{
    DB *db = atomic_load_explicit(&bdb->tables[table], memory_order_acquire);
    enum status status = STATUS_OK;
    if (!db) {
        pthread_mutex_lock(&bdb->mutex);
        db = atomic_load(&bdb->tables[table]);
        if (!db)
            status = open_handle(bdb, table, &db);
        if (status == STATUS_OK)
            atomic_store_explicit(&bdb->tables[table], db, memory_order_release);
        pthread_mutex_unlock(&bdb->mutex);
    }
    if (status == STATUS_OK)
        *out = db;
    return status;
}

enum status bdb_tables_open(struct bdb *bdb, uint32_t set)
{
    enum status status = STATUS_OK;
    DB *db;
    for (unsigned i = 0; i < BDB_TABLES && status == STATUS_OK; i++)
        if (set & BDB_USES(i))
            status = bdb_table_open(bdb, (enum bdb_table)i, &db);
    return status;
}

void bdb_tables_close(struct bdb *bdb)
{
    for (size_t i = 0; i < BDB_TABLES; i++) {
        DB *db = atomic_exchange(&bdb->tables[i], NULL);
        if (db)
            db->close(db, DB_NOSYNC); /* the log has it all */
    }
}

enum status bdb_tables_create(struct bdb *bdb)
{
    enum status status = STATUS_OK;
    DB *db;
    bdb->makes_tables = true;
    for (size_t i = 0; i < BDB_TABLES && status == STATUS_OK; i++)
        status = bdb_table_open(bdb, (enum bdb_table)i, &db);
    bdb->makes_tables = false;
    if (status == STATUS_OK && bdb->format == 0)
        status = bdb_spread(bdb, BDB_IDEMPOTENCY);
    if (status == STATUS_OK)
        status = bdb_status(bdb, bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE), "checkpoint");
    return status;
}

/* ---- rows ---- */

static DBT dbt_of_key(const struct bdb_key *key)
{
    DBT dbt = {.data = (void *)(uintptr_t)key->bytes, .size = (u_int32_t)key->length};
    return dbt;
}

enum { FIRST_GUESS = 1024 };

static enum status get_row(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key,
                           u_int32_t flags, DBT value, struct buf *out)
{
    DB *db;
    enum status status = bdb_table_open(bdb, table, &db);
    if (status != STATUS_OK)
        return status;
    DBT row_key = dbt_of_key(key);
    int code;
    value.flags |= DB_DBT_USERMEM;
    buf_reset(out);
    buf_reserve(out, FIRST_GUESS);
    for (;;) {
        value.data = out->data;
        value.ulen = (u_int32_t)out->capacity - 1;
        code = db->get(db, txn, &row_key, &value, flags);
        if (code != DB_BUFFER_SMALL)
            break;
        buf_reserve(out, value.size);
    }
    if (code == 0) {
        out->length = value.size;
        out->data[out->length] = '\0';
    }
    return bdb_status(bdb, code, table_of(table)->name);
}

enum status bdb_get(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key, u_int32_t flags,
                    struct buf *out)
{
    return get_row(bdb, txn, table, key, flags, (DBT){.flags = 0}, out);
}

enum status bdb_get_head(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key, u_int32_t flags,
                         size_t most, struct buf *out)
{
    return get_row(bdb, txn, table, key, flags, (DBT){.flags = DB_DBT_PARTIAL, .dlen = (u_int32_t)most}, out);
}

enum status bdb_put(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key, struct slice value,
                    u_int32_t flags)
{
    DB *db;
    enum status status = bdb_table_open(bdb, table, &db);
    if (status != STATUS_OK)
        return status;
    DBT row_key = dbt_of_key(key);
    DBT row = {.data = (void *)(uintptr_t)value.data, .size = (u_int32_t)value.length};
    return bdb_status(bdb, db->put(db, txn, &row_key, &row, flags), table_of(table)->name);
}

enum status bdb_delete(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key)
{
    DB *db;
    enum status status = bdb_table_open(bdb, table, &db);
    if (status != STATUS_OK)
        return status;
    DBT row_key = dbt_of_key(key);
    return bdb_status(bdb, db->del(db, txn, &row_key, 0), table_of(table)->name);
}
