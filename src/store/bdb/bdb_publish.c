/* Publishing: the event with the list of its deliveries, the first delivery rows, and a row in the inbox, in one
 * transaction that is on disk before anybody is told. */
#include "store/bdb/bdb_event.h"

#include <stdlib.h>

#include "base/mem.h"

struct publication {
    struct event *events;
    size_t count;
    struct answer *answer;
    bool *is_new;  /* out, of each event: it was not there before, and somebody gets it */
    bool has_work; /* out: that holds for one */
};

/* So many delivery rows are written with the event; the worker writes the rest. */
static size_t rows_now(const struct event *event, size_t budget)
{
    size_t rows = event->subscription_count;
    if (rows > BDB_EXPAND_EVENT)
        rows = BDB_EXPAND_EVENT;
    return rows < budget ? rows : budget;
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

/* The event itself. *is_new: deliveries and inbox are to follow. */
static enum status publish_event(struct bdb *bdb, DB_TXN *txn, struct event *event, size_t *budget, bool *is_new)
{
    event->expanded_count = rows_now(event, *budget);
    enum status status = bdb_event_write(bdb, txn, event);
    *is_new = status == STATUS_OK && event->subscription_count > 0;
    if (status == STATUS_EXISTS)
        return read_back(bdb, txn, event);
    if (*is_new)
        *budget -= event->expanded_count;
    return status;
}

/* ---- the three tables, one after the other ---- */

/* Every transaction takes the tables in this order, and each table's rows in the order of their keys: so those that
 * publish at once wait for each other in a row and not in a circle. */

static enum status put_events(struct bdb *bdb, DB_TXN *txn, struct publication *publication)
{
    enum status status = STATUS_OK;
    size_t budget = BDB_EXPAND_CALL;
    publication->has_work = false;
    for (size_t i = 0; i < publication->count && status == STATUS_OK; i++) {
        status = publish_event(bdb, txn, &publication->events[i], &budget, &publication->is_new[i]);
        publication->has_work |= publication->is_new[i];
    }
    return status;
}

static int compare_deliveries(const void *a, const void *b)
{
    const struct delivery *one = a;
    const struct delivery *other = b;
    int order = object_id_compare(&one->subscription_id, &other->subscription_id);
    return order != 0 ? order : object_id_compare(&one->event_id, &other->event_id);
}

static size_t count_deliveries(const struct publication *publication)
{
    size_t count = 0;
    for (size_t i = 0; i < publication->count; i++)
        count += publication->is_new[i] ? publication->events[i].expanded_count : 0;
    return count;
}

static enum status put_deliveries(struct bdb *bdb, DB_TXN *txn, const struct publication *publication)
{
    struct delivery *rows = mem_calloc(count_deliveries(publication), sizeof *rows);
    size_t count = 0;
    for (size_t i = 0; i < publication->count; i++)
        for (size_t j = 0; publication->is_new[i] && j < publication->events[i].expanded_count; j++)
            rows[count++] = bdb_delivery_new(&publication->events[i], j);
    qsort(rows, count, sizeof *rows, compare_deliveries);
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = bdb_delivery_write(bdb, txn, &rows[i], 0);
    free(rows);
    return status;
}

static enum status put_inbox(struct bdb *bdb, DB_TXN *txn, const struct publication *publication)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < publication->count && status == STATUS_OK; i++) {
        const struct event *event = &publication->events[i];
        const struct bdb_inbox_row row = {.created_at_ms = event->created_at_ms};
        if (publication->is_new[i])
            status = bdb_inbox_put(bdb, txn, &event->id, &row);
    }
    return status;
}

static enum status publish_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct publication *publication = context;
    enum status status = bdb_answer_begin(bdb, txn, publication->answer);
    if (status == STATUS_OK)
        status = put_events(bdb, txn, publication);
    if (status == STATUS_OK && publication->has_work)
        status = put_deliveries(bdb, txn, publication);
    if (status == STATUS_OK)
        status = put_inbox(bdb, txn, publication);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, publication->answer) : status;
}

/* A program that is started for one request does not open what it does not need. */
static uint32_t tables_of(const struct publication *publication)
{
    uint32_t tables = BDB_USES(BDB_EVENT);
    if (publication->answer && publication->answer->idempotency)
        tables |= BDB_USES(BDB_IDEMPOTENCY);
    for (size_t i = 0; i < publication->count; i++)
        if (publication->events[i].subscription_count > 0)
            tables |= BDB_USES(BDB_DELIVERY) | BDB_USES(bdb_inbox_table(&publication->events[i].id));
    return tables;
}

enum status bdb_publish(struct store *store, struct event *events, size_t count, struct answer *answer)
{
    struct bdb *bdb = bdb_of(store);
    struct publication publication = {events, count, answer, mem_calloc(count, sizeof(bool)), false};
    enum status status = bdb_match(bdb, events, count);
    if (status == STATUS_OK)
        status = bdb_run(bdb, BDB_SYNC, tables_of(&publication), publish_work, &publication);
    if (status == STATUS_OK && publication.has_work)
        bdb_wake(bdb);
    free(publication.is_new);
    return status;
}
