/* No subscription holds more than max_waiting deliveries for long: the rows of work are counted, subscription by
 * subscription, and where there are too many the first ones are cancelled. What is claimed stands behind all that is
 * due, and is left alone. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_upkeep.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"

/* ---- counting ---- */

static bool is_of_subject(const struct upkeep_state *state, const struct bdb_key *key)
{
    return memcmp(key->bytes, state->subject.bytes, OBJECT_ID_BYTES) == 0;
}

/* The count of the subject is complete. True: it is too high, and its surplus comes before anything else. */
static bool close_count(struct bdb_upkeep *upkeep)
{
    struct upkeep_state *state = upkeep->state;
    state->surplus = state->count > upkeep->limits->max_waiting ? state->count - upkeep->limits->max_waiting : 0;
    state->count = 0;
    return state->surplus > 0;
}

static enum status count_rows(struct bdb_upkeep *upkeep, struct bdb_cursor *cursor, bool *is_over)
{
    struct upkeep_state *state = upkeep->state;
    const struct bdb_key place = bdb_upkeep_place(state);
    size_t looked = 0;
    enum status status = bdb_cursor_seek(cursor, &place);
    for (; status == STATUS_OK && looked < BDB_LOOK_MAX; status = bdb_cursor_next(cursor)) {
        bdb_upkeep_go_on_at(state, &cursor->key);
        if (!is_of_subject(state, &cursor->key)) {
            if (close_count(upkeep))
                return STATUS_OK;
            memcpy(state->subject.bytes, cursor->key.bytes, OBJECT_ID_BYTES);
        }
        bdb_upkeep_go_on_behind(state, &cursor->key);
        state->count++;
        looked++;
    }
    if (status != STATUS_NOT_FOUND)
        return status;
    *is_over = !close_count(upkeep);
    return STATUS_OK;
}

struct counting {
    struct bdb_upkeep *upkeep;
    bool *is_over;
};

/* Whatever was counted stays counted: a repetition goes on behind it. */
static enum status count_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct counting *counting = context;
    struct bdb_cursor cursor;
    enum status status = bdb_cursor_open(bdb, txn, BDB_DUE, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = count_rows(counting->upkeep, &cursor, counting->is_over);
    bdb_cursor_close(&cursor);
    return status;
}

/* ---- cancelling ---- */

struct cancelling {
    const struct bdb_upkeep *upkeep;
    size_t wanted;
    size_t removed;   /* out: rows that are gone */
    size_t cancelled; /* out: those among them whose deliveries waited */
};

/* A row whose delivery is claimed stays. */
static enum status cancel_row(struct bdb *bdb, DB_TXN *txn, struct cancelling *cancelling, const struct bdb_due *due)
{
    int64_t now_ms = cancelling->upkeep->now_ms;
    struct delivery delivery;
    enum status status = bdb_delivery_read(bdb, txn, &due->subscription_id, &due->event_id, DB_RMW, &delivery);
    bool is_waiting =
        status == STATUS_OK && delivery.status == DELIVERY_WAITING && delivery.generation == due->generation;
    if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    if (is_waiting && delivery.lease_until_ms > now_ms)
        return STATUS_OK;
    if (is_waiting) {
        bdb_delivery_cancel(&delivery, now_ms);
        status = bdb_delivery_write(bdb, txn, &delivery, 0);
        cancelling->cancelled++;
    }
    cancelling->removed++;
    return status == STATUS_OK ? bdb_due_delete(bdb, txn, due) : status;
}

static enum status collect(struct bdb *bdb, DB_TXN *txn, const struct cancelling *cancelling, struct bdb_due *out,
                           size_t *count)
{
    struct bdb_due_walk walk;
    enum status status = bdb_due_walk_open(bdb, txn, false, &cancelling->upkeep->state->subject, 0, &walk);
    if (status != STATUS_OK)
        return status;
    *count = 0;
    while (*count < cancelling->wanted && (status = bdb_due_walk_next(&walk, &out[*count])) == STATUS_OK)
        ++*count;
    bdb_due_walk_close(&walk);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status cancel_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct cancelling *cancelling = context;
    struct bdb_due *rows = mem_calloc(cancelling->wanted, sizeof *rows);
    size_t count = 0;
    cancelling->removed = cancelling->cancelled = 0;
    enum status status = collect(bdb, txn, cancelling, rows, &count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++)
        status = cancel_row(bdb, txn, cancelling, &rows[i]);
    free(rows);
    return status;
}

static void log_cancelled(const struct bdb_upkeep *upkeep, size_t count)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&upkeep->state->subject, id);
    log_warn("deliveries_cancelled", LOG_TEXT("reason", "max_waiting"), LOG_TEXT("subscription_id", id),
             LOG_NUMBER("count", count));
}

static enum status cancel_some(struct bdb_upkeep *upkeep)
{
    struct upkeep_state *state = upkeep->state;
    struct cancelling cancelling = {.upkeep = upkeep,
                                    .wanted = state->surplus < BDB_STEP_MAX ? (size_t)state->surplus : BDB_STEP_MAX};
    enum status status =
        bdb_run(upkeep->bdb, BDB_NOSYNC, BDB_USES(BDB_DUE) | BDB_USES(BDB_DELIVERY), cancel_work, &cancelling);
    if (status != STATUS_OK)
        return status;
    state->surplus = cancelling.removed > 0 ? state->surplus - cancelling.removed : 0; /* the rest is claimed */
    upkeep->counts->surplus += cancelling.cancelled;
    if (cancelling.cancelled > 0)
        log_cancelled(upkeep, cancelling.cancelled);
    return STATUS_OK;
}

enum status bdb_upkeep_waiting(struct bdb_upkeep *upkeep, bool *is_over)
{
    if (upkeep->state->surplus > 0)
        return cancel_some(upkeep);
    struct counting counting = {upkeep, is_over};
    return bdb_run(upkeep->bdb, BDB_READ, 0, count_work, &counting);
}
