/* Whom new events concern. The organization's version, as committed now, says whether the index that this process keeps
 * of its subscriptions is exact; else it is read anew. All of this runs outside of the transaction that publishes, so
 * that no page of theirs stays locked while that one waits for the disk.
 *
 * An index bears the version that was read before the subscriptions were. Whoever has read that version or an earlier
 * one finds every change in it that was answered before he asked: such a change was committed before the walk began. */
#include "store/bdb/bdb_event.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/record.h"

/* ---- walking ---- */

/* False ends the walk. */
typedef bool (*bdb_visit)(void *context, const struct subscription *subscription);

static enum status walk(struct bdb_cursor *cursor, const struct uuid *organization_id, bdb_visit visit, void *context)
{
    const struct bdb_key prefix = bdb_subscription_key(organization_id, &(struct object_id){{0}});
    enum status status = bdb_cursor_seek(cursor, &prefix);
    for (; status == STATUS_OK; status = bdb_cursor_next(cursor)) {
        struct subscription subscription;
        if (memcmp(cursor->key.bytes, organization_id->bytes, sizeof organization_id->bytes) != 0)
            return STATUS_OK;
        status = subscription_decode(buf_slice(&cursor->value), &subscription);
        if (status != STATUS_OK)
            return status;
        bool goes_on = visit(context, &subscription);
        subscription_clear(&subscription);
        if (!goes_on)
            return STATUS_OK;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status walk_organization(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id, bdb_visit visit,
                                     void *context)
{
    struct bdb_cursor cursor;
    enum status status = bdb_cursor_open(bdb, txn, BDB_SUBSCRIPTION, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = walk(&cursor, organization_id, visit, context);
    bdb_cursor_close(&cursor);
    return status;
}

/* ---- by the index ---- */

struct loading {
    const struct uuid *organization_id;
    size_t max_bytes;
    struct match_index *index; /* NULL: too large */
    uint64_t version;
};

static bool add_to_index(void *context, const struct subscription *subscription)
{
    struct loading *loading = context;
    match_index_add(loading->index, subscription);
    if (match_index_bytes(loading->index) <= loading->max_bytes)
        return true;
    match_index_free(loading->index);
    loading->index = NULL;
    return false;
}

static enum status load_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct loading *loading = context;
    struct bdb_organization organization;
    match_index_free(loading->index);
    loading->index = match_index_new();
    enum status status = bdb_organization_read(bdb, txn, loading->organization_id, 0, &organization);
    if (status != STATUS_OK)
        return status;
    loading->version = organization.version;
    return walk_organization(bdb, txn, loading->organization_id, add_to_index, loading);
}

static enum status load(void *context, const struct uuid *organization_id, size_t max_bytes, struct match_index **index,
                        uint64_t *version)
{
    struct loading loading = {organization_id, max_bytes, NULL, 0};
    enum status status = bdb_run(context, BDB_READ, 0, load_work, &loading);
    if (status != STATUS_OK) {
        match_index_free(loading.index);
        return status;
    }
    *index = loading.index;
    *version = loading.version;
    return STATUS_OK;
}

/* ---- without one ---- */

struct match {
    struct event *events;
    size_t count;
    size_t *capacities; /* of the events' lists */
};

static void forget(struct event *event)
{
    free(event->subscriptions);
    event->subscriptions = NULL;
    event->subscription_count = 0;
}

static void add(struct event *event, size_t *capacity, const struct object_id *subscription_id)
{
    if (event->subscription_count == *capacity) {
        *capacity = *capacity ? *capacity * 2 : 4;
        event->subscriptions = mem_realloc(event->subscriptions, *capacity, sizeof *event->subscriptions);
    }
    event->subscriptions[event->subscription_count++] = *subscription_id;
}

static bool add_where_it_matches(void *context, const struct subscription *subscription)
{
    struct match *match = context;
    for (size_t i = 0; i < match->count; i++)
        if (event_matches(&match->events[i], subscription))
            add(&match->events[i], &match->capacities[i], &subscription->id);
    return true;
}

static enum status match_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct match *match = context;
    for (size_t i = 0; i < match->count; i++) {
        forget(&match->events[i]);
        match->capacities[i] = 0;
    }
    return walk_organization(bdb, txn, &match->events[0].organization_id, add_where_it_matches, match);
}

static enum status match_by_walking(struct bdb *bdb, struct event *events, size_t count)
{
    struct match match = {events, count, mem_calloc(count, sizeof *match.capacities)};
    enum status status = bdb_run(bdb, BDB_READ, 0, match_work, &match);
    free(match.capacities);
    return status;
}

/* ---- matching ---- */

struct lookup {
    const struct uuid *organization_id;
    struct bdb_organization *out;
};

static enum status organization_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_organization_read(bdb, txn, lookup->organization_id, 0, lookup->out);
}

enum status bdb_match(struct bdb *bdb, struct event *events, size_t count)
{
    if (count == 0)
        return STATUS_OK;
    const struct uuid *organization_id = &events[0].organization_id;
    for (size_t i = 1; i < count; i++)
        assert(memcmp(&events[i].organization_id, organization_id, sizeof *organization_id) == 0);
    struct bdb_organization organization;
    struct lookup lookup = {organization_id, &organization};
    struct match_view *view;
    enum status status = bdb_run(bdb, BDB_READ, 0, organization_work, &lookup);
    if (status == STATUS_OK)
        status = match_cache_hold(bdb->matches, organization_id, organization.version, load, bdb, &view);
    if (status != STATUS_OK)
        return status;
    bool is_indexed = view->index != NULL;
    for (size_t i = 0; i < count && is_indexed; i++)
        match_index_find(view->index, &events[i]);
    match_cache_release(bdb->matches, view);
    return is_indexed ? STATUS_OK : match_by_walking(bdb, events, count);
}
