/* Retention. Each lane's events stand in the order of their creation, so the walk begins at the oldest and ends at the
 * first one that is young enough, whatever stands behind it. An event's list names its deliveries; it goes with the
 * last of them. One step looks at deliveries, without a lock, until one transaction has enough to do. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"
#include "store/bdb/bdb_upkeep.h"

#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "model/record.h"
#include "model/retention.h"

/* A part of an event's deliveries, at most all of them. */
struct part {
    struct object_id event_id;
    size_t first; /* of the items */
    size_t count;
    bool is_kept; /* something of it stays, as far as is known before the transaction */
    bool is_last; /* nothing of the event follows */
};

struct sweep {
    const struct bdb_upkeep *upkeep;
    struct upkeep_state state; /* where the next step goes on */
    struct part parts[BDB_STEP_MAX];
    size_t part_count;
    struct bdb_due items[BDB_STEP_MAX]; /* deliveries that may have to go: their ids */
    size_t item_count;
    size_t looked;
    size_t rows; /* that the items take, about */
    bool is_over;
    struct upkeep_counts counts; /* out: of the transaction */
};

/* ---- one delivery ---- */

static enum status judge(const struct sweep *sweep, DB_TXN *txn, const struct delivery *delivery,
                         enum retention_verdict *out)
{
    const struct bdb_upkeep *upkeep = sweep->upkeep;
    struct attempt first = {0};
    uint32_t number = retention_first_attempt(delivery);
    enum status status = STATUS_NOT_FOUND;
    if (delivery->status == DELIVERY_WAITING && number > 0)
        status = bdb_attempt_read(upkeep->bdb, txn, &delivery->subscription_id, &delivery->event_id, number, &first);
    if (status != STATUS_OK && !bdb_is_unreadable(status))
        return status;
    *out = retention_judge(delivery, first.started_at_ms, upkeep->now_ms, upkeep->limits->retention_ms);
    attempt_clear(&first);
    return STATUS_OK;
}

/* Its row of work stands at one of these times; one that was left would be passed over. */
static enum status cancel(struct bdb *bdb, DB_TXN *txn, struct sweep *sweep, struct delivery *delivery)
{
    const int64_t times_ms[] = {delivery->next_attempt_at_ms, delivery->created_at_ms, delivery->lease_until_ms};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < sizeof times_ms / sizeof times_ms[0] && status == STATUS_OK; i++) {
        struct bdb_due due = {.subscription_id = delivery->subscription_id,
                              .due_at_ms = times_ms[i],
                              .event_id = delivery->event_id,
                              .is_forced = delivery->is_forced};
        status = bdb_due_delete(bdb, txn, &due);
    }
    bdb_delivery_cancel(delivery, sweep->upkeep->now_ms);
    sweep->counts.expired++;
    return status == STATUS_OK ? bdb_delivery_write(bdb, txn, delivery, 0) : status;
}

static enum status forget(struct bdb *bdb, DB_TXN *txn, struct sweep *sweep, const struct delivery *delivery,
                          size_t *rows, bool *is_gone)
{
    size_t max = *rows < BDB_STEP_MAX ? BDB_STEP_MAX - *rows : 1;
    enum status status = bdb_delivery_forget(bdb, txn, delivery, max, rows, is_gone);
    sweep->counts.deliveries += *is_gone;
    return status;
}

static enum status sweep_item(struct bdb *bdb, DB_TXN *txn, struct sweep *sweep, const struct bdb_due *item,
                              size_t *rows, bool *is_kept)
{
    struct delivery delivery;
    enum retention_verdict verdict = RETENTION_KEEP;
    bool is_gone = false;
    enum status status = bdb_delivery_read(bdb, txn, &item->subscription_id, &item->event_id, DB_RMW, &delivery);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = judge(sweep, txn, &delivery, &verdict);
    if (status == STATUS_OK && verdict == RETENTION_CANCEL)
        status = cancel(bdb, txn, sweep, &delivery);
    if (status == STATUS_OK && verdict == RETENTION_DELETE)
        status = forget(bdb, txn, sweep, &delivery, rows, &is_gone);
    *is_kept |= !is_gone;
    return status;
}

/* ---- one transaction ---- */

/* A delivery that was not written yet has no row, but the inbox has its event. */
static enum status forget_event(struct bdb *bdb, DB_TXN *txn, struct sweep *sweep, const struct object_id *event_id)
{
    struct bdb_inbox_row row;
    struct bdb_key key = bdb_event_key(event_id);
    enum status status = bdb_inbox_get(bdb, txn, event_id, 0, &row);
    if (status != STATUS_NOT_FOUND)
        return status;
    sweep->counts.events++;
    status = bdb_delete(bdb, txn, BDB_EVENT, &key);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status sweep_part(struct bdb *bdb, DB_TXN *txn, struct sweep *sweep, const struct part *part, size_t *rows)
{
    bool is_kept = part->is_kept;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < part->count && status == STATUS_OK; i++)
        status = sweep_item(bdb, txn, sweep, &sweep->items[part->first + i], rows, &is_kept);
    if (status == STATUS_OK && part->is_last && !is_kept)
        status = forget_event(bdb, txn, sweep, &part->event_id);
    if (!part->is_last)
        sweep->state.is_kept = is_kept;
    return status;
}

static enum status sweep_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    enum status status = STATUS_OK;
    size_t rows = 0;
    sweep->counts = (struct upkeep_counts){0};
    for (size_t i = 0; i < sweep->part_count && status == STATUS_OK; i++)
        status = sweep_part(bdb, txn, sweep, &sweep->parts[i], &rows);
    return status;
}

/* ---- looking ---- */

static bool has_enough(const struct sweep *sweep)
{
    return sweep->looked >= BDB_LOOK_MAX || sweep->item_count == BDB_STEP_MAX || sweep->part_count == BDB_STEP_MAX ||
           sweep->rows >= BDB_STEP_MAX;
}

static enum status look_at_delivery(struct sweep *sweep, const struct object_id *subscription_id, struct part *part)
{
    struct delivery delivery;
    enum retention_verdict verdict;
    sweep->looked++;
    enum status status = bdb_delivery_read(sweep->upkeep->bdb, NULL, subscription_id, &part->event_id, 0, &delivery);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status == STATUS_OK)
        status = judge(sweep, NULL, &delivery, &verdict);
    if (status != STATUS_OK || verdict == RETENTION_KEEP) {
        part->is_kept = true;
        return bdb_is_unreadable(status) ? STATUS_OK : status;
    }
    sweep->items[sweep->item_count++] =
        (struct bdb_due){.subscription_id = *subscription_id, .event_id = part->event_id};
    sweep->rows += verdict == RETENTION_CANCEL ? 2 : 1 + (size_t)delivery.attempt_count;
    part->count++;
    return STATUS_OK;
}

/* From where the step before stopped in its list. */
static enum status look_at_event(struct sweep *sweep, const struct event *event)
{
    struct upkeep_state *state = &sweep->state;
    struct part part = {.event_id = event->id, .first = sweep->item_count, .is_kept = state->is_kept};
    enum status status = STATUS_OK;
    size_t index = (size_t)state->count;
    for (; index < event->subscription_count && !has_enough(sweep) && status == STATUS_OK; index++)
        status = look_at_delivery(sweep, &event->subscriptions[index], &part);
    part.is_last = index >= event->subscription_count;
    state->count = part.is_last ? 0 : index;
    state->is_kept = !part.is_last && part.is_kept;
    if (part.count > 0 || (part.is_last && !part.is_kept))
        sweep->parts[sweep->part_count++] = part;
    return status;
}

static void go_to_lane(struct sweep *sweep, unsigned lane)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add_number(&key, 1, lane);
    bdb_upkeep_go_on_at(&sweep->state, &key);
    sweep->is_over = lane > UINT8_MAX;
}

/* The row at or behind the place, copied, so that no lock is held while its deliveries are looked at. */
static enum status read_row(struct bdb *bdb, const struct upkeep_state *state, struct bdb_key *key, struct buf *value)
{
    struct bdb_cursor cursor;
    const struct bdb_key place = bdb_upkeep_place(state);
    enum status status = bdb_cursor_open(bdb, NULL, BDB_EVENT, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &place);
    if (status == STATUS_OK) {
        *key = cursor.key;
        buf_reset(value);
        buf_append_slice(value, buf_slice(&cursor.value));
    }
    bdb_cursor_close(&cursor);
    return status;
}

static enum status look_at_old_row(struct sweep *sweep, const struct object_id *id, const struct bdb_key *key,
                                   const struct buf *value)
{
    struct upkeep_state *state = &sweep->state;
    struct event event;
    if (object_id_compare(id, &state->subject) != 0) { /* a new one, or another process has deleted the one it was in */
        state->count = 0;
        state->is_kept = false;
    }
    state->subject = *id;
    bdb_upkeep_go_on_at(state, key);
    enum status status = event_decode(buf_slice(value), &event);
    if (status == STATUS_OK) {
        status = look_at_event(sweep, &event);
        event_clear(&event);
    } else {
        bdb_pass_over(sweep->upkeep->bdb, "event", id, status);
        state->count = 0;
        status = STATUS_OK;
    }
    if (state->count == 0)
        bdb_upkeep_go_on_behind(state, key);
    return status;
}

static enum status look_at_row(struct sweep *sweep, const struct bdb_key *key, const struct buf *value)
{
    struct object_id id = {{0}};
    memcpy(id.bytes, key->bytes, key->length < OBJECT_ID_BYTES ? key->length : OBJECT_ID_BYTES);
    enum status status = STATUS_OK;
    if (object_id_lane_time_ms(&id) <= sweep->upkeep->cutoff_ms)
        status = look_at_old_row(sweep, &id, key, value);
    else
        go_to_lane(sweep, id.bytes[0] + 1U);
    sweep->looked++; /* not before: at least one delivery is looked at */
    return status;
}

static enum status look_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    struct buf value = {0};
    struct bdb_key key;
    enum status status = STATUS_OK;
    (void)txn;
    sweep->state = *sweep->upkeep->state;
    sweep->part_count = sweep->item_count = sweep->looked = sweep->rows = 0;
    sweep->is_over = false;
    while (status == STATUS_OK && !has_enough(sweep) && !sweep->is_over) {
        status = read_row(bdb, &sweep->state, &key, &value);
        if (status == STATUS_OK)
            status = look_at_row(sweep, &key, &value);
    }
    buf_clear(&value);
    if (status != STATUS_NOT_FOUND)
        return status;
    sweep->is_over = true;
    return STATUS_OK;
}

/* ---- the stage ---- */

static void add_up(const struct sweep *sweep)
{
    struct upkeep_counts *counts = sweep->upkeep->counts;
    counts->expired += sweep->counts.expired;
    counts->deliveries += sweep->counts.deliveries;
    counts->events += sweep->counts.events;
    if (sweep->counts.expired > 0)
        log_warn("deliveries_cancelled", LOG_TEXT("reason", "retention"), LOG_NUMBER("count", sweep->counts.expired));
}

static enum status sweep_some(struct sweep *sweep)
{
    uint32_t tables = BDB_USES(BDB_EVENT) | BDB_USES(BDB_DELIVERY) | BDB_USES(BDB_ATTEMPT) | BDB_USES(BDB_DUE) |
                      BDB_USES(BDB_URGENT) | BDB_USES(BDB_FAILED);
    for (size_t i = 0; i < sweep->part_count; i++)
        tables |= BDB_USES(bdb_inbox_table(&sweep->parts[i].event_id));
    return bdb_run(sweep->upkeep->bdb, BDB_NOSYNC, tables, sweep_work, sweep);
}

enum status bdb_upkeep_events(struct bdb_upkeep *upkeep, bool *is_over)
{
    struct sweep *sweep = mem_calloc(1, sizeof *sweep);
    sweep->upkeep = upkeep;
    enum status status = bdb_run(upkeep->bdb, BDB_READ, 0, look_work, sweep);
    if (status == STATUS_OK && sweep->part_count > 0)
        status = sweep_some(sweep);
    if (status == STATUS_OK) {
        add_up(sweep);
        *upkeep->state = sweep->state;
        *is_over = sweep->is_over;
    }
    free(sweep);
    return status;
}
