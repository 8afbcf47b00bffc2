/* Events as they are stored: whom they concern, their records, and their way from the publisher to the worker. */
#ifndef HOOKTURN_STORE_BDB_BDB_EVENT_H
#define HOOKTURN_STORE_BDB_BDB_EVENT_H

#include "store/bdb/bdb.h"

/* ---- bdb_match.c ---- */

/* Fills in the subscriptions of each event. All events are of one organization. Every change that was answered before
 * is seen, whichever process made it. */
enum status bdb_match(struct bdb *bdb, struct event *events, size_t count) MUST_USE;

/* ---- bdb_event.c ---- */

struct bdb_key bdb_event_key(const struct object_id *id);
/* As stored: expanded_count is what was written with the event. The caller clears `out`. */
enum status bdb_event_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *id, struct event *out) MUST_USE;
/* STATUS_EXISTS where there is one with this id. */
enum status bdb_event_write(struct bdb *bdb, DB_TXN *txn, const struct event *event) MUST_USE;
/* What its deliveries show of it; a transaction does not hold it. */
enum status bdb_event_head_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *id,
                                struct event_head *out) MUST_USE;
/* Raises expanded_count to what the inbox knows of. */
enum status bdb_event_progress(struct bdb *bdb, DB_TXN *txn, struct event *event) MUST_USE;

/* ---- bdb_inbox.c ---- */

/* A new event that the worker has not taken over wholly. */
struct bdb_inbox_row {
    uint32_t taken; /* so many of its deliveries have a row in BDB_DELIVERY and one in BDB_DUE */
    int64_t created_at_ms;
};
enum bdb_table bdb_inbox_table(const struct object_id *event_id);
enum status bdb_inbox_get(struct bdb *bdb, DB_TXN *txn, const struct object_id *event_id, u_int32_t flags,
                          struct bdb_inbox_row *out) MUST_USE;
enum status bdb_inbox_put(struct bdb *bdb, DB_TXN *txn, const struct object_id *event_id,
                          const struct bdb_inbox_row *row) MUST_USE;
enum status bdb_inbox_decode(struct slice bytes, struct bdb_inbox_row *out) MUST_USE;

/* ---- bdb_intake.c ---- */

/* Takes new events over: writes the delivery rows that are missing and makes them due. Bounded, more so for
 * somebody in haste: *is_done says whether all was taken. An event that cannot be read keeps its row in the inbox, for
 * whoever mends it. */
enum status bdb_intake(struct bdb *bdb, bool is_hasty, bool *is_done) MUST_USE;

/* ---- bdb_notice.c ---- */

/* Events of our own, published in the transaction of what they tell of. NULLs are passed over. Matching comes before
 * the transaction, as with every event. */
enum status bdb_notices_match(struct bdb *bdb, struct event *const *notices, size_t count) MUST_USE;
/* What bdb_notice_put touches: nothing where nobody wants the notice. */
uint32_t bdb_notice_tables(const struct event *notice);
/* All delivery rows are left to the worker. bdb_wake() is the caller's. */
enum status bdb_notice_put(struct bdb *bdb, DB_TXN *txn, struct event *notice) MUST_USE;

#endif
