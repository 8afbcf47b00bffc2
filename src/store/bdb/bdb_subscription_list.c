/* A page of an organization's subscriptions. Ids rise with creation and a record stays where it is, as a tombstone in
 * the end, so the id behind which the next page begins is all that there is to remember between two pages. */
#include "store/bdb/bdb.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/record.h"

struct page {
    const struct uuid *organization_id;
    const struct object_id *after;
    size_t max;
    struct subscription *items; /* heap */
    size_t count;
    size_t capacity;
    bool has_more;
};

static void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        subscription_clear(&page->items[i]);
    page->count = 0;
    page->has_more = false;
}

/* False once the page is full and something stands behind it. */
static bool page_add(struct page *page, struct subscription *subscription)
{
    if (subscription->is_deleted || page->count == page->max) {
        page->has_more = !subscription->is_deleted;
        subscription_clear(subscription);
        return !page->has_more;
    }
    if (page->count == page->capacity) {
        page->capacity = page->capacity ? page->capacity * 2 : 16;
        page->items = mem_realloc(page->items, page->capacity, sizeof *page->items);
    }
    page->items[page->count++] = *subscription;
    return true;
}

static enum status walk(struct page *page, struct bdb_cursor *cursor)
{
    struct object_id first = *page->after;
    object_id_increment(&first);
    if (object_id_compare(&first, page->after) < 0)
        return STATUS_OK; /* it was the last id that there can be */
    const struct bdb_key start = bdb_subscription_key(page->organization_id, &first);
    enum status status = bdb_cursor_seek(cursor, &start);
    for (; status == STATUS_OK; status = bdb_cursor_next(cursor)) {
        struct subscription subscription;
        if (memcmp(cursor->key.bytes, page->organization_id->bytes, sizeof page->organization_id->bytes) != 0)
            return STATUS_OK;
        status = subscription_decode(buf_slice(&cursor->value), &subscription);
        if (status != STATUS_OK)
            return status;
        if (!page_add(page, &subscription))
            return STATUS_OK;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status read_page(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct page *page = context;
    struct bdb_cursor cursor;
    page_clear(page);
    enum status status = bdb_cursor_open(bdb, txn, BDB_SUBSCRIPTION, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = walk(page, &cursor);
    bdb_cursor_close(&cursor);
    return status;
}

enum status bdb_subscription_list(struct store *store, const struct uuid *organization_id,
                                  const struct object_id *after, size_t max,
                                  bool (*visit)(void *context, const struct subscription *subscription), void *context,
                                  bool *has_more)
{
    struct page page = {.organization_id = organization_id, .after = after, .max = max};
    size_t visited = 0;
    enum status status = bdb_run(bdb_of(store), BDB_READ, 0, read_page, &page);
    if (status == STATUS_OK) {
        while (visited < page.count && visit(context, &page.items[visited++]))
            ;
        *has_more = page.has_more || visited < page.count;
    }
    page_clear(&page);
    free(page.items);
    return status;
}
