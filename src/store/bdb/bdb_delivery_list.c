/* A page of a subscription's deliveries, newest first. Their rows stand by lane and then by time, so sixteen walks
 * backwards are merged into one. A walk reads some rows at a time and lets go of its cursor: two cursors of one thread
 * would wait for writers apart from each other, in circles that no deadlock detector sees. What a page is told is the
 * event behind which it begins; rows never move, so nothing that comes meanwhile moves one over that line. */
#include "store/bdb/bdb_event.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/record.h"

enum {
    LANE_BATCH = 16,    /* rows a lane reads at a time */
    EXAMINED_MAX = 2000 /* rows a call looks at */
};

struct lane {
    unsigned number;
    struct object_id end; /* all before it are still to be read */
    bool is_read_out;
    struct delivery rows[LANE_BATCH];
    size_t count;
    size_t next;
};

struct merge {
    struct bdb *bdb;
    struct delivery_page *page;
    struct object_id start;
    struct lane lanes[BDB_LANES];
    size_t examined;
};

/* ---- lanes ---- */

/* A lane before that of the start has rows of the same time and random part still before it. */
static void lane_begin(struct lane *lane, unsigned number, const struct object_id *start, bool is_first_page)
{
    *lane = (struct lane){.number = number, .end = *start};
    if (is_first_page)
        lane->end = (struct object_id){.bytes = {(unsigned char)(number + 1)}};
    else
        lane->end.bytes[0] = (unsigned char)number;
    if (!is_first_page && number < start->bytes[0])
        object_id_increment(&lane->end);
}

static bool is_of_lane(const struct lane *lane, const struct object_id *subscription_id,
                       const struct bdb_cursor *cursor)
{
    const unsigned char *key = cursor->key.bytes;
    return cursor->key.length == 2 * OBJECT_ID_BYTES && memcmp(key, subscription_id->bytes, OBJECT_ID_BYTES) == 0 &&
           key[OBJECT_ID_BYTES] == lane->number;
}

static enum status take_row(struct lane *lane, const struct object_id *subscription_id, const struct bdb_cursor *cursor)
{
    struct delivery *row = &lane->rows[lane->count];
    *row = (struct delivery){.subscription_id = *subscription_id};
    memcpy(row->event_id.bytes, cursor->key.bytes + OBJECT_ID_BYTES, OBJECT_ID_BYTES);
    enum status status = delivery_decode(buf_slice(&cursor->value), row);
    if (status != STATUS_OK)
        return status;
    lane->end = row->event_id;
    lane->count++;
    return STATUS_OK;
}

static enum status lane_fill(struct merge *merge, struct lane *lane)
{
    const struct object_id *subscription_id = merge->page->subscription_id;
    const struct bdb_key end = bdb_delivery_key(subscription_id, &lane->end);
    struct bdb_cursor cursor;
    enum status status = bdb_cursor_open(merge->bdb, NULL, BDB_DELIVERY, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    lane->count = lane->next = 0;
    status = bdb_cursor_seek_before(&cursor, &end);
    while (status == STATUS_OK && lane->count < LANE_BATCH && is_of_lane(lane, subscription_id, &cursor)) {
        status = take_row(lane, subscription_id, &cursor);
        if (status == STATUS_OK)
            status = bdb_cursor_previous(&cursor);
    }
    lane->is_read_out = lane->count < LANE_BATCH;
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* The lane that has the newest of all that are left; *out NULL: nothing is. */
static enum status merge_peek(struct merge *merge, struct lane **out)
{
    *out = NULL;
    for (size_t i = 0; i < BDB_LANES; i++) {
        struct lane *lane = &merge->lanes[i];
        if (lane->next == lane->count && !lane->is_read_out) {
            enum status status = lane_fill(merge, lane);
            if (status != STATUS_OK)
                return status;
        }
        if (lane->next == lane->count)
            continue;
        if (!*out || object_id_compare_time(&lane->rows[lane->next].event_id, &(*out)->rows[(*out)->next].event_id) > 0)
            *out = lane;
    }
    return STATUS_OK;
}

/* ---- the page ---- */

/* A delivery whose event is not there any more is about to go itself. */
static enum status regard(struct merge *merge, const struct delivery *row)
{
    struct delivery_page *page = merge->page;
    struct delivery_entry *entry = &page->entries[page->count];
    if ((page->status != 0 && row->status != page->status) || row->created_at_ms < page->since_ms)
        return STATUS_OK;
    enum status status = bdb_event_head_read(merge->bdb, NULL, &row->event_id, &entry->event);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    if (page->event_name && strcmp(page->event_name, entry->event.name) != 0)
        return STATUS_OK;
    entry->delivery = *row;
    page->count++;
    return STATUS_OK;
}

static enum status fill_page(struct merge *merge)
{
    struct delivery_page *page = merge->page;
    for (;;) {
        struct lane *lane;
        enum status status = merge_peek(merge, &lane);
        if (status != STATUS_OK || !lane)
            return status;
        const struct delivery *row = &lane->rows[lane->next];
        if (object_id_lane_time_ms(&row->event_id) < page->since_ms)
            return STATUS_OK; /* no event has an id from before it was created */
        page->has_more = page->count == page->max || merge->examined == EXAMINED_MAX;
        if (page->has_more)
            return STATUS_OK;
        status = regard(merge, row);
        if (status != STATUS_OK)
            return status;
        page->behind = row->event_id;
        merge->examined++;
        lane->next++;
    }
}

static enum status list_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    static const struct object_id none = {{0}};
    struct merge *merge = context;
    struct delivery_page *page = merge->page;
    bool is_first_page = object_id_compare(&merge->start, &none) == 0;
    enum status status = bdb_subscription_expect(bdb, txn, page->organization_id, page->subscription_id);
    if (status != STATUS_OK)
        return status;
    for (unsigned i = 0; i < BDB_LANES; i++)
        lane_begin(&merge->lanes[i], i, &merge->start, is_first_page);
    page->behind = merge->start;
    page->count = 0;
    page->has_more = false;
    merge->examined = 0;
    return fill_page(merge);
}

enum status bdb_delivery_list(struct store *store, struct delivery_page *page)
{
    struct merge *merge = mem_calloc(1, sizeof *merge);
    merge->bdb = bdb_of(store);
    merge->page = page;
    merge->start = page->behind;
    enum status status = bdb_run(merge->bdb, BDB_READ, 0, list_work, merge);
    free(merge);
    return status;
}
