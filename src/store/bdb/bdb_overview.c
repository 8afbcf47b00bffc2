/* The state of things for a person: what waits, for whom, and which subscriptions are in trouble.
 *
 *     inbox, urgent, due -> what waits for each subscription -> subscriptions: their states, and the sums
 *
 * New events come first, so that one which is taken over in between is seen twice rather than not at all. The memory
 * that this takes grows with the subscriptions that have something waiting, not with what waits for them. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"

#include <search.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/record.h"

/* What waits for one subscription. */
struct load {
    struct object_id subscription_id;
    uint64_t due;
    uint64_t in_flight;
    uint64_t later;
    uint64_t tried;
    int64_t tried_since_ms;
    uint32_t tried_attempts;
    int64_t oldest_due_ms; /* of those that are due */
};

struct survey {
    int64_t now_ms;
    void *loads;       /* a tree (tsearch) */
    struct load *last; /* rows of a subscription stand together */
    void (*visit)(void *context, const struct store_concern *concern);
    void *context;
    struct store_overview overview;
};

/* ---- what waits ---- */

static int compare_loads(const void *a, const void *b)
{
    return object_id_compare(&((const struct load *)a)->subscription_id, &((const struct load *)b)->subscription_id);
}

static struct load *load_of(struct survey *survey, const struct object_id *subscription_id)
{
    struct load wanted = {.subscription_id = *subscription_id};
    if (survey->last && compare_loads(survey->last, &wanted) == 0)
        return survey->last;
    void *node = tfind(&wanted, &survey->loads, compare_loads);
    if (!node) {
        struct load *fresh = mem_calloc(1, sizeof *fresh);
        *fresh = wanted;
        node = mem_check(tsearch(fresh, &survey->loads, compare_loads));
    }
    survey->last = *(struct load **)node;
    return survey->last;
}

static void add_waiting(struct survey *survey, struct load *load, int64_t due_at_ms)
{
    if (due_at_ms > survey->now_ms) {
        load->later++;
        return;
    }
    if (load->due++ == 0 || due_at_ms < load->oldest_due_ms)
        load->oldest_due_ms = due_at_ms;
}

static void add_delivery(struct survey *survey, const struct delivery *delivery, int64_t due_at_ms)
{
    struct load *load = load_of(survey, &delivery->subscription_id);
    if (delivery->lease_until_ms > survey->now_ms)
        load->in_flight++;
    else
        add_waiting(survey, load, due_at_ms);
    if (delivery->budget_used == 0)
        return;
    if (load->tried++ == 0 || delivery->created_at_ms < load->tried_since_ms) {
        load->tried_since_ms = delivery->created_at_ms;
        load->tried_attempts = delivery->attempt_count;
    }
}

struct lookup {
    const struct object_id *subscription_id;
    const struct object_id *event_id;
    void *out;
};

static enum status read_delivery(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_delivery_read(bdb, txn, lookup->subscription_id, lookup->event_id, 0, lookup->out);
}

static enum status read_event(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_event_read(bdb, txn, lookup->event_id, lookup->out);
}

/* What the worker passes over is passed over here. What is not there was taken away while we came to it. */
static enum status pass_over(struct survey *survey, enum status status)
{
    if (status == STATUS_CORRUPT || status == STATUS_VERSION)
        survey->overview.unreadable++;
    return bdb_is_unreadable(status) ? STATUS_OK : status;
}

static enum status visit_due(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    struct survey *survey = context;
    struct bdb_due due;
    struct delivery delivery;
    enum status status = bdb_due_decode(key, value, &due);
    struct lookup lookup = {&due.subscription_id, &due.event_id, &delivery};
    if (status == STATUS_OK)
        status = bdb_run(bdb, BDB_READ, 0, read_delivery, &lookup);
    if (status != STATUS_OK)
        return pass_over(context, status);
    if (delivery.status == DELIVERY_WAITING && delivery.generation == due.generation)
        add_delivery(survey, &delivery, due.due_at_ms);
    return STATUS_OK;
}

static enum status visit_inbox(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    struct bdb_inbox_row row;
    struct object_id event_id;
    struct event event;
    struct lookup lookup = {.event_id = &event_id, .out = &event};
    enum status status = key->length == OBJECT_ID_BYTES ? bdb_inbox_decode(value, &row) : STATUS_CORRUPT;
    if (status == STATUS_OK) {
        memcpy(event_id.bytes, key->bytes, sizeof event_id.bytes);
        status = bdb_run(bdb, BDB_READ, 0, read_event, &lookup);
    }
    if (status != STATUS_OK)
        return pass_over(context, status);
    for (size_t i = row.taken; i < event.subscription_count; i++)
        add_waiting(context, load_of(context, &event.subscriptions[i]), event.created_at_ms);
    event_clear(&event);
    return STATUS_OK;
}

static enum status survey_waiting(struct bdb *bdb, struct survey *survey)
{
    enum status status = STATUS_OK;
    for (unsigned lane = 0; lane < BDB_LANES && status == STATUS_OK; lane++)
        status = bdb_walk(bdb, (enum bdb_table)(BDB_INBOX + lane), visit_inbox, survey);
    if (status == STATUS_OK)
        status = bdb_walk(bdb, BDB_URGENT, visit_due, survey);
    return status == STATUS_OK ? bdb_walk(bdb, BDB_DUE, visit_due, survey) : status;
}

/* ---- for whom ---- */

static void count_state(struct store_overview *overview, const struct subscription *subscription, bool is_failing)
{
    uint64_t *const off[] = {
        [DISABLED_NOT] = &overview->paused,
        [DISABLED_GONE] = &overview->off_gone,
        [DISABLED_FAILING] = &overview->off_failing,
    };
    if (subscription->active)
        overview->active++;
    else
        ++*off[subscription->disabled_reason];
    overview->failing += is_failing;
}

static void count_load(struct store_overview *overview, const struct load *load, bool is_active)
{
    overview->waiting_subscriptions += load->due + load->in_flight + load->later > 0;
    overview->in_flight += load->in_flight;
    if (!is_active) {
        overview->held += load->due + load->later;
        return;
    }
    overview->due += load->due;
    overview->later += load->later;
    if (load->due > 0 && (overview->oldest_due_ms == 0 || load->oldest_due_ms < overview->oldest_due_ms))
        overview->oldest_due_ms = load->oldest_due_ms;
}

static void regard(struct survey *survey, const struct subscription *subscription)
{
    const struct load nothing = {.due = 0}, wanted = {.subscription_id = subscription->id};
    void *node = tfind(&wanted, &survey->loads, compare_loads);
    const struct load *load = node ? *(struct load **)node : &nothing;
    bool is_failing = subscription->active && load->tried > 0;
    count_state(&survey->overview, subscription, is_failing);
    count_load(&survey->overview, load, subscription->active);
    if (!is_failing && subscription->disabled_reason == DISABLED_NOT)
        return;
    const struct store_concern concern = {.subscription = subscription,
                                          .waiting = load->due + load->in_flight + load->later,
                                          .tried = load->tried,
                                          .tried_since_ms = load->tried_since_ms,
                                          .tried_attempts = load->tried_attempts};
    survey->visit(survey->context, &concern);
}

static enum status visit_subscription(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    struct subscription subscription;
    (void)bdb;
    (void)key;
    enum status status = subscription_decode(value, &subscription);
    if (status != STATUS_OK)
        return pass_over(context, status);
    if (!subscription.is_deleted) /* a tombstone's deliveries are cancelled, whatever their rows say yet */
        regard(context, &subscription);
    subscription_clear(&subscription);
    return STATUS_OK;
}

enum status bdb_overview(struct store *store, int64_t now_ms,
                         void (*visit)(void *context, const struct store_concern *concern), void *context,
                         struct store_overview *out)
{
    struct bdb *bdb = bdb_of(store);
    struct survey survey = {.now_ms = now_ms, .visit = visit, .context = context};
    enum status status = bdb_tables_open(bdb, BDB_USES_ALL); /* one that is lost shows, needed here or not */
    if (status == STATUS_OK)
        status = survey_waiting(bdb, &survey);
    if (status == STATUS_OK)
        status = bdb_walk(bdb, BDB_SUBSCRIPTION, visit_subscription, &survey);
    if (status == STATUS_OK)
        *out = survey.overview;
    tdestroy(survey.loads, free);
    return status;
}
