/* Everything, as records of the product. Tables are walked page by page with nothing locked; an event's deliveries and
 * their attempts are read where the event is, so that each stands behind what it belongs to. Of a wide event the
 * deliveries that have no row yet are records as well, as new. */
#include "store/bdb/bdb_event.h"
#include "store/bdb/bdb_import.h"
#include "store/bdb/bdb_probe.h"

#include "model/record.h"

struct walking {
    struct bdb *bdb;
    int64_t now_ms;
    export_record_visit visit;
    void *context;
    uint64_t *unreadable;
};

/* The visitor has it; what he leaves of it is cleared. */
static enum status give(const struct walking *walking, struct export_record *item)
{
    enum status status = walking->visit(walking->context, item);
    export_record_clear(item);
    return status;
}

/* What is damaged is passed over, what was deleted meanwhile as well; a newer hookturn's records end the walk. */
static enum status pass_over(const struct walking *walking, enum status status)
{
    *walking->unreadable += status == STATUS_CORRUPT;
    return status == STATUS_CORRUPT || status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- one table ---- */

static enum status visit_api_key(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    struct export_record item = {.kind = EXPORT_RECORD_API_KEY};
    (void)bdb;
    (void)key;
    enum status status = api_key_decode(value, &item.api_key);
    return status == STATUS_OK ? give(context, &item) : pass_over(context, status);
}

static enum status visit_answer(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    const struct walking *walking = context;
    struct export_record item = {.kind = EXPORT_RECORD_ANSWER};
    (void)bdb;
    enum status status = key->length == SHA256_BYTES ? bdb_answer_decode(value, &item.answer) : STATUS_CORRUPT;
    if (status != STATUS_OK)
        return pass_over(walking, status);
    memcpy(item.answer.key, key->bytes, SHA256_BYTES);
    if (item.answer.expires_at_ms > walking->now_ms)
        return give(walking, &item);
    export_record_clear(&item);
    return STATUS_OK;
}

/* ---- subscriptions ---- */

struct lookup {
    const struct object_id *subscription_id;
    struct bdb_health health;
    struct probe probe;
};

static enum status health_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct lookup *lookup = context;
    return bdb_health_read(bdb, txn, lookup->subscription_id, 0, &lookup->health);
}

static enum status probe_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct lookup *lookup = context;
    return bdb_probe_read(bdb, txn, lookup->subscription_id, 0, &lookup->probe);
}

static enum status give_probe(const struct walking *walking, struct lookup *lookup)
{
    struct export_record item = {.kind = EXPORT_RECORD_PROBE};
    enum status status = bdb_run(walking->bdb, BDB_READ, 0, probe_work, lookup);
    if (status != STATUS_OK)
        return pass_over(walking, status);
    item.probe = lookup->probe;
    return item.probe.status != PROBE_VOID ? give(walking, &item) : STATUS_OK;
}

static enum status visit_subscription(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    const struct walking *walking = context;
    struct export_record item = {.kind = EXPORT_RECORD_SUBSCRIPTION};
    (void)key;
    enum status status = subscription_decode(value, &item.subscription);
    if (status != STATUS_OK)
        return pass_over(walking, status);
    const struct object_id id = item.subscription.id;
    bool is_deleted = item.subscription.is_deleted;
    struct lookup lookup = {.subscription_id = &id};
    status = pass_over(walking, bdb_run(bdb, BDB_READ, 0, health_work, &lookup));
    item.failing_since_ms = lookup.health.failing_since_ms;
    if (status != STATUS_OK) {
        export_record_clear(&item);
        return status;
    }
    status = give(walking, &item);
    return status == STATUS_OK && !is_deleted ? give_probe(walking, &lookup) : status;
}

/* ---- events ---- */

struct step {
    const struct delivery *delivery;
    uint32_t number;
    struct attempt *out;
};

static enum status step_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct step *step = context;
    return bdb_attempt_next(bdb, txn, step->delivery, &step->number, step->out);
}

/* Those that are there, whatever the delivery counts. */
static enum status give_attempts(const struct walking *walking, const struct delivery *delivery)
{
    struct export_record item;
    struct step step = {delivery, 1, &item.attempt};
    for (; step.number <= delivery->attempt_count; step.number++) {
        item = (struct export_record){.kind = EXPORT_RECORD_ATTEMPT};
        item.subscription_id = delivery->subscription_id;
        item.event_id = delivery->event_id;
        enum status status = bdb_run(walking->bdb, BDB_READ, 0, step_work, &step);
        if (status == STATUS_NOT_FOUND)
            break;
        status = status == STATUS_OK ? give(walking, &item) : pass_over(walking, status);
        if (status != STATUS_OK)
            return status;
    }
    return STATUS_OK;
}

struct row {
    const struct event *event;
    size_t index;
    struct delivery *out;
};

static enum status delivery_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct row *row = context;
    return bdb_delivery_read(bdb, txn, &row->event->subscriptions[row->index], &row->event->id, 0, row->out);
}

/* A row that should have been written when the event's progress was read, and is not there, was deleted since. */
static enum status give_delivery(const struct walking *walking, const struct event *event, size_t index)
{
    struct export_record item = {.kind = EXPORT_RECORD_DELIVERY};
    struct row row = {event, index, &item.delivery};
    enum status status = bdb_run(walking->bdb, BDB_READ, 0, delivery_work, &row);
    if (status == STATUS_NOT_FOUND && index >= event->expanded_count) {
        item.delivery = bdb_delivery_new(event, index);
        status = STATUS_OK;
    }
    if (status != STATUS_OK)
        return pass_over(walking, status);
    const struct delivery delivery = item.delivery;
    status = give(walking, &item);
    return status == STATUS_OK ? give_attempts(walking, &delivery) : status;
}

static enum status progress_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    return bdb_event_progress(bdb, txn, context);
}

/* The event's list is needed after the visitor has had the event. */
static enum status visit_event(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    const struct walking *walking = context;
    struct export_record item = {.kind = EXPORT_RECORD_EVENT};
    (void)key;
    enum status status = event_decode(value, &item.event);
    if (status != STATUS_OK)
        return pass_over(walking, status);
    status = bdb_run(bdb, BDB_READ, 0, progress_work, &item.event);
    if (status == STATUS_OK)
        status = walking->visit(walking->context, &item);
    for (size_t i = 0; i < item.event.subscription_count && status == STATUS_OK; i++)
        status = give_delivery(walking, &item.event, i);
    export_record_clear(&item);
    return status;
}

/* ---- the verbs ---- */

/* Where each kind of record comes from. */
static const struct {
    enum export_record_kind kind;
    enum bdb_table table;
    bdb_row_visit visit; /* NULL: its rows are read with others */
} sources[] = {
    {EXPORT_RECORD_API_KEY, BDB_API_KEY, visit_api_key},
    {EXPORT_RECORD_ANSWER, BDB_IDEMPOTENCY, visit_answer},
    {EXPORT_RECORD_SUBSCRIPTION, BDB_SUBSCRIPTION, visit_subscription},
    {EXPORT_RECORD_PROBE, BDB_PROBE, NULL},
    {EXPORT_RECORD_EVENT, BDB_EVENT, visit_event},
    {EXPORT_RECORD_DELIVERY, BDB_DELIVERY, NULL},
    {EXPORT_RECORD_ATTEMPT, BDB_ATTEMPT, NULL},
};
enum { SOURCES = sizeof sources / sizeof sources[0] };

enum status bdb_count_all(struct store *store, uint64_t counts[EXPORT_RECORD_KINDS])
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < SOURCES && status == STATUS_OK; i++)
        status = bdb_count(bdb_of(store), sources[i].table, &counts[sources[i].kind]);
    return status;
}

enum status bdb_walk_all(struct store *store, int64_t now_ms, export_record_visit visit, void *context,
                         uint64_t *unreadable)
{
    struct walking walking = {bdb_of(store), now_ms, visit, context, unreadable};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < SOURCES && status == STATUS_OK; i++)
        if (sources[i].visit != NULL)
            status = bdb_walk(bdb_of(store), sources[i].table, sources[i].visit, &walking);
    return status;
}
