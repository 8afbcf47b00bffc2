/* How much waits, and for whom, a page of the order of work at a time: a worker takes a step now and then, so that
 * nobody who asks for figures has to walk. */
#include "store/bdb/bdb_due.h"

_Static_assert((int)BDB_KEY_MAX <= (int)sizeof((struct store_place){0}.bytes), "a place is a key");

struct counting {
    int64_t now_ms;
    void (*visit)(void *context, const struct store_backlog *backlog);
    void *context;
    struct bdb_due first; /* of the rows that were counted, which stand together */
    struct store_backlog backlog;
};

/* What the worker passes over, and what was cancelled by a deletion, waits for nobody. */
static enum status tell(struct bdb *bdb, struct counting *counting)
{
    struct subscription subscription;
    struct store_backlog backlog = counting->backlog;
    if (backlog.due + backlog.later == 0)
        return STATUS_OK;
    enum status status =
        bdb_subscription_look(bdb, &counting->first.organization_id, &counting->first.subscription_id, &subscription);
    if (status != STATUS_OK)
        return bdb_is_unreadable(status) ? STATUS_OK : status;
    backlog.subscription = &subscription;
    if (!subscription.is_deleted)
        counting->visit(counting->context, &backlog);
    subscription_clear(&subscription);
    return STATUS_OK;
}

static enum status count_row(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    struct counting *counting = context;
    struct bdb_due due;
    enum status status = bdb_due_decode(key, value, &due);
    if (status != STATUS_OK)
        return bdb_is_unreadable(status) ? STATUS_OK : status;
    if (object_id_compare(&due.subscription_id, &counting->first.subscription_id) != 0) {
        status = tell(bdb, counting);
        counting->first = due;
        counting->backlog = (struct store_backlog){.due = 0};
    }
    if (due.due_at_ms <= counting->now_ms)
        counting->backlog.due++;
    else
        counting->backlog.later++;
    return status;
}

enum status bdb_backlog_step(struct store *store, int64_t now_ms, struct store_place *place,
                             void (*visit)(void *context, const struct store_backlog *backlog), void *context)
{
    struct bdb *bdb = bdb_of(store);
    struct counting counting = {.now_ms = now_ms, .visit = visit, .context = context};
    struct bdb_key from = {.length = place->length};
    bool is_last = false;
    memcpy(from.bytes, place->bytes, place->length);
    enum status status = bdb_walk_page(bdb, BDB_DUE, &from, count_row, &counting, &is_last);
    if (status == STATUS_OK)
        status = tell(bdb, &counting);
    if (status != STATUS_OK)
        return status;
    place->length = is_last ? 0 : from.length;
    memcpy(place->bytes, from.bytes, place->length);
    return STATUS_OK;
}
