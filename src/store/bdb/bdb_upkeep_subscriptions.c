/* A deleted subscription's tombstone says what became of its waiting deliveries. It goes when the retention is over and
 * no delivery, no row of work and no event that was not taken over yet can refer to it. */
#include "store/bdb/bdb_upkeep.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/record.h"

enum {
    SUBSCRIPTIONS_MAX = 500, /* that one step looks at: they are large */
    TOMBSTONES_MAX = 50      /* in one transaction */
};

struct sweep {
    struct bdb_upkeep *upkeep;
    struct subscription tombstones[TOMBSTONES_MAX]; /* they own nothing */
    size_t count;
    size_t deleted; /* out */
    bool is_over;
};

/* ---- looking ---- */

static enum status has_row_of(struct bdb *bdb, enum bdb_table table, const struct object_id *subscription_id, bool *out)
{
    struct bdb_cursor cursor;
    struct bdb_key prefix = {.length = 0};
    bdb_key_add(&prefix, subscription_id->bytes, OBJECT_ID_BYTES);
    enum status status = bdb_cursor_open(bdb, NULL, table, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &prefix);
    *out = status == STATUS_OK && memcmp(cursor.key.bytes, prefix.bytes, prefix.length) == 0;
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Its first row is the lane's oldest event. */
static enum status waits_in_lane(struct bdb *bdb, enum bdb_table lane, int64_t before_ms, bool *out)
{
    struct bdb_cursor cursor;
    struct object_id oldest = {{0}};
    enum status status = bdb_cursor_open(bdb, NULL, lane, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &(struct bdb_key){.length = 0});
    if (status == STATUS_OK)
        memcpy(oldest.bytes, cursor.key.bytes, OBJECT_ID_BYTES);
    *out = status == STATUS_OK && object_id_lane_time_ms(&oldest) <= before_ms;
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status is_referred_to(struct bdb *bdb, const struct subscription *tombstone, bool *out)
{
    static const enum bdb_table tables[] = {BDB_DELIVERY, BDB_DUE, BDB_URGENT, BDB_ATTEMPT};
    enum status status = STATUS_OK;
    *out = false;
    for (size_t i = 0; i < sizeof tables / sizeof tables[0] && !*out && status == STATUS_OK; i++)
        status = has_row_of(bdb, tables[i], &tombstone->id, out);
    for (unsigned lane = 0; lane < BDB_LANES && !*out && status == STATUS_OK; lane++)
        status = waits_in_lane(bdb, (enum bdb_table)(BDB_INBOX + lane), tombstone->updated_at_ms, out);
    return status;
}

/* The tombstones among the next rows that are old enough. */
static enum status find_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    struct upkeep_state *state = sweep->upkeep->state;
    struct bdb_cursor cursor;
    const struct bdb_key place = bdb_upkeep_place(state);
    enum status status = bdb_cursor_open(bdb, txn, BDB_SUBSCRIPTION, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    size_t looked = 0;
    status = bdb_cursor_seek(&cursor, &place);
    for (; status == STATUS_OK && looked < SUBSCRIPTIONS_MAX && sweep->count < TOMBSTONES_MAX; looked++) {
        struct subscription subscription = {.is_deleted = false};
        enum status decoded = subscription_decode(buf_slice(&cursor.value), &subscription);
        if (decoded == STATUS_OK && subscription.is_deleted && subscription.updated_at_ms <= sweep->upkeep->cutoff_ms)
            sweep->tombstones[sweep->count++] = subscription;
        else
            subscription_clear(&subscription);
        bdb_upkeep_go_on_behind(state, &cursor.key);
        status = bdb_cursor_next(&cursor);
    }
    bdb_cursor_close(&cursor);
    sweep->is_over = status == STATUS_NOT_FOUND;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Leaves those that nothing refers to. */
static enum status spare_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    size_t kept = 0;
    (void)txn;
    for (size_t i = 0; i < sweep->count; i++) {
        bool is_needed;
        enum status status = is_referred_to(bdb, &sweep->tombstones[i], &is_needed);
        if (status != STATUS_OK)
            return status;
        if (!is_needed)
            sweep->tombstones[kept++] = sweep->tombstones[i];
    }
    sweep->count = kept;
    return STATUS_OK;
}

/* ---- deleting: a tombstone is for ever, so nothing has to be looked at again ---- */

static enum status delete_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    const struct bdb_health none = {.failing_since_ms = 0};
    enum status status = STATUS_OK;
    sweep->deleted = 0;
    for (size_t i = 0; i < sweep->count && status == STATUS_OK; i++) {
        const struct subscription *tombstone = &sweep->tombstones[i];
        struct bdb_key key = bdb_subscription_key(&tombstone->organization_id, &tombstone->id);
        status = bdb_delete(bdb, txn, BDB_SUBSCRIPTION, &key);
        if (status == STATUS_OK) {
            sweep->deleted++;
            status = bdb_health_write(bdb, txn, &tombstone->id, &none);
        }
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK; /* another process was faster */
    }
    return status;
}

enum status bdb_upkeep_subscriptions(struct bdb_upkeep *upkeep, bool *is_over)
{
    struct sweep *sweep = mem_calloc(1, sizeof *sweep);
    sweep->upkeep = upkeep;
    enum status status = bdb_run(upkeep->bdb, BDB_READ, 0, find_work, sweep);
    if (status == STATUS_OK && sweep->count > 0)
        status = bdb_run(upkeep->bdb, BDB_READ, 0, spare_work, sweep);
    if (status == STATUS_OK && sweep->count > 0)
        status =
            bdb_run(upkeep->bdb, BDB_NOSYNC, BDB_USES(BDB_SUBSCRIPTION) | BDB_USES(BDB_HEALTH), delete_work, sweep);
    if (status == STATUS_OK) {
        upkeep->counts->subscriptions += sweep->deleted;
        *is_over = sweep->is_over;
    }
    free(sweep);
    return status;
}
