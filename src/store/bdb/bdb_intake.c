/* Taking new events over, the worker's first step: from the inbox into the order of work. Events that concern many get
 * their remaining delivery rows here, in steps that any worker can go on with; several may do this at once. */
#include "store/bdb/bdb_agenda.h"
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"

#include <stdlib.h>

#include "base/mem.h"

/* Deliveries a call: a large backlog must not keep due work waiting. */
enum { INTAKE_MAX = 2000, INTAKE_HASTY = BDB_STEP_MAX };

/* Some events of one lane, without their bodies. */
struct batch {
    enum bdb_table lane;
    struct bdb_key from; /* what stands before cannot be read */
    struct event events[BDB_STEP_MAX];
    uint32_t taken[BDB_STEP_MAX]; /* of each, as far as is known before the transaction */
    size_t count;
    size_t listed;  /* rows of the inbox that were looked at */
    size_t changed; /* out: deliveries made due */
};

static void batch_clear(struct batch *batch)
{
    for (size_t i = 0; i < batch->count; i++)
        event_clear(&batch->events[i]);
    batch->count = 0;
    batch->listed = 0;
}

/* What cannot be read is not looked at again in this call, where nothing that can be read stands before it. */
static void pass_over(struct bdb *bdb, struct batch *batch, const struct bdb_key *key, enum status status)
{
    struct object_id id = {{0}};
    memcpy(id.bytes, key->bytes, key->length < OBJECT_ID_BYTES ? key->length : OBJECT_ID_BYTES);
    bdb_pass_over(bdb, "event", &id, status);
    if (batch->count > 0)
        return;
    batch->from = *key;
    bdb_key_add_number(&batch->from, 1, 0);
}

/* ---- reading, with nothing locked ---- */

static enum status read_ids(struct bdb *bdb, struct batch *batch)
{
    struct bdb_cursor cursor;
    enum status status = bdb_cursor_open(bdb, NULL, batch->lane, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    status = bdb_cursor_seek(&cursor, &batch->from);
    for (; status == STATUS_OK && batch->listed < BDB_STEP_MAX; status = bdb_cursor_next(&cursor)) {
        struct bdb_inbox_row row;
        enum status decoded = bdb_inbox_decode(buf_slice(&cursor.value), &row);
        batch->listed++;
        if (decoded != STATUS_OK || cursor.key.length != OBJECT_ID_BYTES) {
            pass_over(bdb, batch, &cursor.key, decoded);
            continue;
        }
        struct event *event = &batch->events[batch->count];
        *event = (struct event){.expanded_count = 0};
        memcpy(event->id.bytes, cursor.key.bytes, OBJECT_ID_BYTES);
        batch->taken[batch->count++] = row.taken;
    }
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* Reads the events that were listed, as many as one transaction can take; the others are dropped from the batch. */
static enum status read_events(struct bdb *bdb, struct batch *batch)
{
    size_t listed = batch->count;
    size_t rows = 0;
    batch->count = 0;
    for (size_t i = 0; i < listed && rows < BDB_STEP_MAX; i++) {
        struct object_id id = batch->events[i].id;
        struct event *event = &batch->events[batch->count];
        enum status status = bdb_event_read(bdb, NULL, &id, event);
        if (bdb_is_unreadable(status)) {
            struct bdb_key key = bdb_event_key(&id);
            pass_over(bdb, batch, &key, status);
            continue;
        }
        if (status != STATUS_OK)
            return status;
        buf_clear(&event->body);
        batch->taken[batch->count++] = batch->taken[i];
        rows += event->subscription_count - batch->taken[i];
    }
    return STATUS_OK;
}

static enum status read_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct batch *batch = context;
    (void)txn;
    batch_clear(batch);
    enum status status = read_ids(bdb, batch);
    return status == STATUS_OK ? read_events(bdb, batch) : status;
}

/* ---- writing ---- */

/* Where somebody was faster by hand, his rows stand: the delivery's, and that in the order of work, should both be of
 * one millisecond. A row of ours beside his is stale. */
static enum status take_delivery(struct bdb *bdb, DB_TXN *txn, const struct event *event, size_t index)
{
    struct delivery delivery = bdb_delivery_new(event, index);
    struct bdb_due due = bdb_due_of(&delivery);
    enum status status = STATUS_OK;
    if (index >= event->expanded_count)
        status = bdb_delivery_write(bdb, txn, &delivery, DB_NOOVERWRITE);
    if (status == STATUS_OK || status == STATUS_EXISTS)
        status = bdb_due_add(bdb, txn, &due);
    bdb_agenda_add(bdb->agenda, &due.subscription_id);
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

static enum status take_event(struct bdb *bdb, DB_TXN *txn, const struct event *event, size_t *changed)
{
    struct bdb_inbox_row row;
    enum status status = bdb_inbox_get(bdb, txn, &event->id, DB_RMW, &row);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* another worker was faster */
    for (; row.taken < event->subscription_count && *changed < BDB_STEP_MAX && status == STATUS_OK; row.taken++) {
        status = take_delivery(bdb, txn, event, row.taken);
        ++*changed;
    }
    if (status != STATUS_OK)
        return status;
    if (row.taken < event->subscription_count)
        return bdb_inbox_put(bdb, txn, &event->id, &row);
    struct bdb_key key = bdb_event_key(&event->id);
    return bdb_delete(bdb, txn, bdb_inbox_table(&event->id), &key);
}

static enum status take_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct batch *batch = context;
    enum status status = STATUS_OK;
    batch->changed = 0;
    for (size_t i = 0; i < batch->count && status == STATUS_OK && batch->changed < BDB_STEP_MAX; i++)
        status = take_event(bdb, txn, &batch->events[i], &batch->changed);
    return status;
}

/* ---- lanes ---- */

static enum status take_lane(struct bdb *bdb, struct batch *batch, size_t *budget)
{
    batch->from.length = 0;
    while (*budget > 0) {
        enum status status = bdb_run(bdb, BDB_READ, 0, read_work, batch);
        if (status != STATUS_OK)
            return status;
        if (batch->count == 0 && batch->listed < BDB_STEP_MAX)
            return STATUS_OK; /* nothing is left but what cannot be read */
        status = bdb_run(bdb, BDB_NOSYNC, BDB_USES(batch->lane) | BDB_USES(BDB_DUE) | BDB_USES(BDB_DELIVERY), take_work,
                         batch);
        if (status != STATUS_OK)
            return status;
        *budget -= batch->changed < *budget ? batch->changed : *budget;
    }
    return STATUS_OK;
}

/* Each call begins one lane further, so that none waits for another one's backlog. */
enum status bdb_intake(struct bdb *bdb, bool is_hasty, bool *is_done)
{
    struct batch *batch = mem_calloc(1, sizeof *batch);
    size_t budget = is_hasty ? INTAKE_HASTY : INTAKE_MAX;
    unsigned first = atomic_fetch_add(&bdb->intake_lane, 1);
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < BDB_LANES && status == STATUS_OK && budget > 0; i++) {
        batch->lane = (enum bdb_table)(BDB_INBOX + (first + i) % BDB_LANES);
        status = take_lane(bdb, batch, &budget);
        batch_clear(batch);
    }
    free(batch);
    *is_done = budget > 0;
    return status;
}
