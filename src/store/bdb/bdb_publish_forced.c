/* Publishing to one subscription because somebody asked for it. It does not wait in an inbox: its one delivery goes
 * into the order of work with it, among the forced ones. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"

#include <stdlib.h>

#include "base/mem.h"

struct publication {
    struct event *event;
    const struct object_id *subscription_id;
    struct answer *answer;
};

static enum status put(struct bdb *bdb, DB_TXN *txn, const struct event *event)
{
    struct delivery delivery = bdb_delivery_new(event, 0);
    delivery.is_forced = true;
    const struct bdb_due due = bdb_due_of(&delivery);
    enum status status = bdb_event_write(bdb, txn, event);
    if (status == STATUS_EXISTS) /* published before, by a call whose outcome was not known */
        return STATUS_OK;
    if (status == STATUS_OK)
        status = bdb_delivery_write(bdb, txn, &delivery, 0);
    return status == STATUS_OK ? bdb_due_put(bdb, txn, &due) : status;
}

static enum status publish_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct publication *publication = context;
    const struct event *event = publication->event;
    enum status status = bdb_answer_begin(bdb, txn, publication->answer);
    if (status == STATUS_OK)
        status = bdb_subscription_expect(bdb, txn, &event->organization_id, publication->subscription_id);
    if (status == STATUS_OK)
        status = put(bdb, txn, event);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, publication->answer) : status;
}

enum status bdb_publish_forced(struct store *store, const struct object_id *subscription_id, struct event *event,
                               struct answer *answer)
{
    struct bdb *bdb = bdb_of(store);
    struct publication publication = {event, subscription_id, answer};
    uint32_t tables = BDB_USES(BDB_IDEMPOTENCY) | BDB_USES(BDB_SUBSCRIPTION) | BDB_USES(BDB_EVENT) |
                      BDB_USES(BDB_DELIVERY) | BDB_USES(BDB_URGENT);
    event->subscriptions = mem_realloc(event->subscriptions, 1, sizeof *event->subscriptions);
    event->subscriptions[0] = *subscription_id;
    event->subscription_count = 1;
    event->expanded_count = 1;
    enum status status = bdb_run(bdb, BDB_SYNC, tables, publish_work, &publication);
    if (status == STATUS_OK)
        bdb_wake(bdb);
    return status;
}
