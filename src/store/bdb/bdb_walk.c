/* A whole table, page by page: rows are copied out, and nothing is locked while they are looked at, so a walk of any
 * length keeps nobody waiting. */
#include "store/bdb/bdb_import.h"

#include <stdlib.h>

#include "base/mem.h"

enum { PAGE_ROWS = 256, PAGE_BYTES = 256 * 1024 };

struct page {
    enum bdb_table table;
    struct bdb_key from; /* inclusive */
    struct bdb_key keys[PAGE_ROWS];
    size_t ends[PAGE_ROWS]; /* of each value, in `values` */
    size_t count;
    struct buf values;
    bool is_last;
};

static enum status page_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct page *page = context;
    struct bdb_cursor cursor;
    page->count = 0;
    buf_reset(&page->values);
    enum status status = bdb_cursor_open(bdb, txn, page->table, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &page->from);
    while (status == STATUS_OK) {
        buf_append_slice(&page->values, buf_slice(&cursor.value));
        page->keys[page->count] = cursor.key;
        page->ends[page->count++] = page->values.length;
        if (page->count == PAGE_ROWS || page->values.length >= PAGE_BYTES)
            break;
        status = bdb_cursor_next(&cursor);
    }
    bdb_cursor_close(&cursor);
    page->is_last = status == STATUS_NOT_FOUND;
    return page->is_last ? STATUS_OK : status;
}

static enum status visit_all(struct bdb *bdb, const struct page *page, bdb_row_visit visit, void *context)
{
    enum status status = STATUS_OK;
    size_t start = 0;
    for (size_t i = 0; i < page->count && status == STATUS_OK; i++) {
        struct slice value = {buf_text(&page->values) + start, page->ends[i] - start};
        status = visit(bdb, context, &page->keys[i], value);
        start = page->ends[i];
    }
    return status;
}

enum status bdb_walk_page(struct bdb *bdb, enum bdb_table table, struct bdb_key *from, bdb_row_visit visit,
                          void *context, bool *is_last)
{
    struct page *page = mem_calloc(1, sizeof *page);
    page->table = table;
    page->from = *from;
    enum status status = bdb_run(bdb, BDB_READ, 0, page_work, page);
    if (status == STATUS_OK)
        status = visit_all(bdb, page, visit, context);
    if (status == STATUS_OK && page->count > 0) {
        *from = page->keys[page->count - 1];
        bdb_key_add_number(from, 1, 0); /* what sorts next */
    }
    *is_last = page->is_last;
    buf_clear(&page->values);
    free(page);
    return status;
}

enum status bdb_walk(struct bdb *bdb, enum bdb_table table, bdb_row_visit visit, void *context)
{
    struct bdb_key from = {.length = 0};
    bool is_last = false;
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !is_last)
        status = bdb_walk_page(bdb, table, &from, visit, context, &is_last);
    return status;
}

/* ---- counting ---- */

struct tally {
    enum bdb_table table;
    struct bdb_key from; /* inclusive; out: behind what was counted */
    uint64_t count;
    bool is_last;
};

/* Some thousand rows, their values left where they are. */
static enum status tally_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    enum { STEP = 2000 };
    struct tally *tally = context;
    struct bdb_cursor cursor;
    uint64_t count = 0;
    enum status status = bdb_cursor_open(bdb, txn, tally->table, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    cursor.is_for_keys = true;
    for (status = bdb_cursor_seek(&cursor, &tally->from); status == STATUS_OK && count < STEP; count++)
        status = bdb_cursor_next(&cursor);
    const struct bdb_key reached = cursor.key;
    bdb_cursor_close(&cursor);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    tally->is_last = status == STATUS_NOT_FOUND;
    tally->from = reached;
    tally->count += count;
    return STATUS_OK;
}

enum status bdb_count(struct bdb *bdb, enum bdb_table table, uint64_t *out)
{
    struct tally tally = {.table = table};
    enum status status = STATUS_OK;
    while (status == STATUS_OK && !tally.is_last)
        status = bdb_run(bdb, BDB_READ, 0, tally_work, &tally);
    *out = tally.count;
    return status;
}
