/* Publishing: the event with the list of its deliveries, the first delivery rows, and a row in the inbox, in one
 * transaction that is on disk before anybody is told. */
#include "store/bdb/bdb.h"

#include <stdlib.h>

#include "model/record.h"

struct publication {
    struct event *events;
    size_t count;
    struct answer *answer;
    bool has_work; /* out: something went to the inbox */
};

/* So many delivery rows are written with the event; the worker writes the rest. */
static size_t rows_now(const struct event *event, size_t budget)
{
    size_t rows = event->subscription_count;
    if (rows > BDB_EXPAND_EVENT)
        rows = BDB_EXPAND_EVENT;
    return rows < budget ? rows : budget;
}

static enum status put_event(struct bdb *bdb, DB_TXN *txn, const struct event *event)
{
    struct buf record = {0};
    struct bdb_key key = bdb_event_key(&event->id);
    event_encode(event, &record);
    enum status status = bdb_put(bdb, txn, BDB_EVENT, &key, buf_slice(&record), DB_NOOVERWRITE);
    buf_clear(&record);
    return status;
}

/* It was published before: the caller gets what was decided then. */
static enum status read_back(struct bdb *bdb, DB_TXN *txn, struct event *event)
{
    struct event stored;
    enum status status = bdb_event_read(bdb, txn, &event->id, &stored);
    if (status != STATUS_OK)
        return status;
    free(event->subscriptions);
    event->subscriptions = stored.subscriptions;
    event->subscription_count = stored.subscription_count;
    event->expanded_count = stored.expanded_count;
    stored.subscriptions = NULL;
    event_clear(&stored);
    return STATUS_OK;
}

static enum status put_deliveries(struct bdb *bdb, DB_TXN *txn, const struct event *event)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < event->expanded_count && status == STATUS_OK; i++) {
        struct delivery delivery = bdb_delivery_new(event, i);
        status = bdb_delivery_write(bdb, txn, &delivery, 0);
    }
    return status;
}

static enum status publish_event(struct bdb *bdb, DB_TXN *txn, struct event *event, size_t *budget, bool *has_work)
{
    event->expanded_count = rows_now(event, *budget);
    enum status status = put_event(bdb, txn, event);
    if (status == STATUS_EXISTS)
        return read_back(bdb, txn, event);
    if (status != STATUS_OK || event->subscription_count == 0)
        return status;
    *budget -= event->expanded_count;
    *has_work = true;
    status = put_deliveries(bdb, txn, event);
    struct bdb_inbox_row row = {.created_at_ms = event->created_at_ms};
    return status == STATUS_OK ? bdb_inbox_put(bdb, txn, &event->id, &row) : status;
}

static enum status publish_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct publication *publication = context;
    size_t budget = BDB_EXPAND_CALL;
    publication->has_work = false;
    enum status status = bdb_answer_begin(bdb, txn, publication->answer);
    for (size_t i = 0; i < publication->count && status == STATUS_OK; i++)
        status = publish_event(bdb, txn, &publication->events[i], &budget, &publication->has_work);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, publication->answer) : status;
}

enum status bdb_publish(struct store *store, struct event *events, size_t count, struct answer *answer)
{
    struct bdb *bdb = bdb_of(store);
    struct publication publication = {events, count, answer, false};
    enum status status = bdb_match(bdb, events, count);
    if (status == STATUS_OK)
        status = bdb_run(bdb, BDB_SYNC, publish_work, &publication);
    if (status == STATUS_OK && publication.has_work)
        bdb_wake(bdb);
    return status;
}
