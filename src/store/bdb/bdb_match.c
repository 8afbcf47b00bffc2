/* Whom new events concern: a walk over the organization's subscriptions as they are committed now. It runs outside of
 * the transaction that publishes, so that no page of theirs stays locked while that one waits for the disk. */
#include "store/bdb/bdb.h"

#include <assert.h>
#include <stdlib.h>

#include "base/mem.h"
#include "model/record.h"

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

static void add_where_it_matches(struct match *match, const struct subscription *subscription)
{
    for (size_t i = 0; i < match->count; i++)
        if (event_matches(&match->events[i], subscription))
            add(&match->events[i], &match->capacities[i], &subscription->id);
}

static enum status walk(struct match *match, struct bdb_cursor *cursor, const struct uuid *organization_id)
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
        add_where_it_matches(match, &subscription);
        subscription_clear(&subscription);
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status match_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct match *match = context;
    struct bdb_cursor cursor;
    for (size_t i = 0; i < match->count; i++) {
        forget(&match->events[i]);
        match->capacities[i] = 0;
    }
    enum status status = bdb_cursor_open(bdb, txn, BDB_SUBSCRIPTION, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = walk(match, &cursor, &match->events[0].organization_id);
    bdb_cursor_close(&cursor);
    return status;
}

enum status bdb_match(struct bdb *bdb, struct event *events, size_t count)
{
    if (count == 0)
        return STATUS_OK;
    for (size_t i = 1; i < count; i++)
        assert(memcmp(&events[i].organization_id, &events[0].organization_id, sizeof events[0].organization_id) == 0);
    struct match match = {events, count, mem_calloc(count, sizeof *match.capacities)};
    enum status status = bdb_run(bdb, BDB_READ, match_work, &match);
    free(match.capacities);
    return status;
}
