/* Pages in advance. A young database is a page or two, and all requests with an idempotency key would queue behind the
 * lock of that page, each until the one before is on disk. So the table is filled once with rows that are then removed:
 * the pages stay, with the keys spread over them. */
#include "store/bdb/bdb.h"

/* Rows just short of what a page of 8 KiB keeps outside, four to a page: some 128 pages. */
enum { ROWS = 512, ROW_BYTES = 1900 };

static struct bdb_key key_at(unsigned row)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add_number(&key, 2, row * (65536 / ROWS));
    return key;
}

static enum status fill_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const enum bdb_table *table = context;
    char filler[ROW_BYTES] = {0};
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < ROWS && status == STATUS_OK; i++) {
        struct bdb_key key = key_at(i);
        status = bdb_put(bdb, txn, *table, &key, (struct slice){filler, sizeof filler}, 0);
    }
    return status;
}

static enum status empty_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const enum bdb_table *table = context;
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < ROWS && status == STATUS_OK; i++) {
        struct bdb_key key = key_at(i);
        status = bdb_delete(bdb, txn, *table, &key);
    }
    return status;
}

enum status bdb_spread(struct bdb *bdb, enum bdb_table table)
{
    enum status status = bdb_run(bdb, BDB_NOSYNC, 0, fill_work, &table);
    return status == STATUS_OK ? bdb_run(bdb, BDB_NOSYNC, 0, empty_work, &table) : status;
}
