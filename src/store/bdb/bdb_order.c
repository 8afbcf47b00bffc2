/* What waited while its subscription was paused is started in the order of its creation. Events that were never tried
 * stand in that order anyway: they are due when they are made. A retry stands where it fell due, behind what came
 * meanwhile; it is moved to its creation once, when the subscription is active again and before anything of it is
 * claimed. How far that has come is kept, so that a large backlog is gone through in steps and by one worker. */
#include "store/bdb/bdb_due.h"

#include <stdlib.h>

#include "base/mem.h"

enum { LOOK_MAX = 4000 /* rows that are looked at in one step */ };

/* One step on one subscription. */
struct ordering {
    const struct object_id *subscription_id;
    int64_t until_ms;
    int64_t from_ms;                   /* what was due until then is in order */
    int64_t reached_ms;                /* so far after this step */
    struct bdb_due rows[BDB_STEP_MAX]; /* to be moved */
    size_t count;
};

/* Whatever was due before the row at which it stops has been looked at. It stops where one transaction has enough to
 * do, or enough was looked at and something has been reached by it. */
static enum status look(struct ordering *ordering, struct bdb_due_walk *walk)
{
    struct bdb_due row;
    size_t looked = 0;
    enum status status;
    while ((status = bdb_due_walk_next(walk, &row)) == STATUS_OK && row.due_at_ms <= ordering->until_ms) {
        ordering->reached_ms = row.due_at_ms - 1;
        if (ordering->count == BDB_STEP_MAX || (looked >= LOOK_MAX && ordering->reached_ms > ordering->from_ms))
            return STATUS_OK;
        if (row.due_at_ms > object_id_lane_time_ms(&row.event_id))
            ordering->rows[ordering->count++] = row;
        looked++;
    }
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    ordering->reached_ms = ordering->until_ms;
    return STATUS_OK;
}

static enum status look_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct ordering *ordering = context;
    struct bdb_health health;
    struct bdb_due_walk walk;
    ordering->count = 0;
    enum status status = bdb_health_read(bdb, txn, ordering->subscription_id, 0, &health);
    if (status != STATUS_OK)
        return status;
    ordering->from_ms = ordering->reached_ms = health.ordered_to_ms;
    if (health.ordered_to_ms >= ordering->until_ms)
        return STATUS_OK;
    status = bdb_due_walk_open(bdb, txn, false, ordering->subscription_id, ordering->from_ms + 1, &walk);
    if (status != STATUS_OK)
        return status;
    status = look(ordering, &walk);
    bdb_due_walk_close(&walk);
    return status;
}

static enum status move_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct ordering *ordering = context;
    struct bdb_health health;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < ordering->count && status == STATUS_OK; i++)
        status = bdb_due_move(bdb, txn, &ordering->rows[i], object_id_lane_time_ms(&ordering->rows[i].event_id));
    if (status == STATUS_OK)
        status = bdb_health_read(bdb, txn, ordering->subscription_id, DB_RMW, &health);
    if (status != STATUS_OK || health.ordered_to_ms >= ordering->reached_ms)
        return status;
    health.ordered_to_ms = ordering->reached_ms;
    return bdb_health_write(bdb, txn, ordering->subscription_id, &health);
}

enum status bdb_order(struct bdb *bdb, const struct object_id *subscription_id, int64_t until_ms, bool *is_done)
{
    struct ordering *ordering = mem_calloc(1, sizeof *ordering);
    ordering->subscription_id = subscription_id;
    ordering->until_ms = until_ms;
    enum status status = bdb_run(bdb, BDB_READ, 0, look_work, ordering);
    bool has_come_further = ordering->count > 0 || ordering->reached_ms > ordering->from_ms;
    if (status == STATUS_OK && has_come_further)
        status = bdb_run(bdb, BDB_NOSYNC, BDB_USES(BDB_DUE) | BDB_USES(BDB_HEALTH), move_work, ordering);
    *is_done = ordering->reached_ms >= until_ms;
    free(ordering);
    return status;
}
