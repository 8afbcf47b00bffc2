/* Where a delivery stands beside its record: in the order of work while it waits, among the failures when it ended as
 * one. */
#ifndef HOOKTURN_STORE_BDB_BDB_DUE_H
#define HOOKTURN_STORE_BDB_BDB_DUE_H

#include "store/bdb/bdb.h"

/* ---- bdb_due.c ---- */

/* A waiting delivery's place in the order of work: in BDB_URGENT where it is forced, else in BDB_DUE. While it is
 * claimed it stands where the lease ends. */
struct bdb_due {
    struct object_id subscription_id;
    int64_t due_at_ms;
    struct object_id event_id;
    uint32_t generation; /* another one than the delivery's: the row is stale */
    struct uuid organization_id;
    bool is_forced;
    bool has_old_key; /* it was read from a row of version 1 */
};
/* All but is_forced, which the table says. */
enum status bdb_due_decode(const struct bdb_key *key, struct slice value, struct bdb_due *out) MUST_USE;
/* Of a delivery as it stands, under a lease or not. */
struct bdb_due bdb_due_of(const struct delivery *delivery);
enum status bdb_due_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due) MUST_USE;
/* Only where nothing stands in its place: STATUS_EXISTS. */
enum status bdb_due_add(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due) MUST_USE;
/* A row that is not there is STATUS_OK. */
enum status bdb_due_delete(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due) MUST_USE;
/* To another time. A row that is not there any more is STATUS_OK. */
enum status bdb_due_move(struct bdb *bdb, DB_TXN *txn, const struct bdb_due *due, int64_t due_at_ms) MUST_USE;
/* The first row of the first subscription behind `after`. STATUS_NOT_FOUND. */
enum status bdb_due_hop(struct bdb *bdb, bool is_forced, const struct object_id *after, struct bdb_due *out) MUST_USE;
/* The first row of this subscription among those that are not forced. STATUS_NOT_FOUND. */
enum status bdb_due_first(struct bdb *bdb, const struct object_id *subscription_id, struct bdb_due *out) MUST_USE;
/* A subscription's rows in order, from those that are due at from_ms on; for writing where `txn` is not NULL. */
struct bdb_due_walk {
    struct bdb_cursor cursor;
    struct object_id subscription_id;
    bool is_forced;
    struct bdb_key start;
    bool has_begun;
};
enum status bdb_due_walk_open(struct bdb *bdb, DB_TXN *txn, bool is_forced, const struct object_id *subscription_id,
                              int64_t from_ms, struct bdb_due_walk *out) MUST_USE;
/* STATUS_NOT_FOUND: there are no more. */
enum status bdb_due_walk_next(struct bdb_due_walk *walk, struct bdb_due *out) MUST_USE;
void bdb_due_walk_close(struct bdb_due_walk *walk);
/* Up to `max` rows of a subscription that are due at now_ms, for writing. *next_due_ms is lowered to the first one that
 * is due later, where the reading came so far. */
enum status bdb_due_collect(struct bdb *bdb, DB_TXN *txn, bool is_forced, const struct object_id *subscription_id,
                            int64_t now_ms, size_t max, struct bdb_due *out, size_t *count,
                            int64_t *next_due_ms) MUST_USE;

/* ---- bdb_order.c ---- */

/* A step towards all that was due at until_ms standing in the order of its creation. *is_done: it does. */
enum status bdb_order(struct bdb *bdb, const struct object_id *subscription_id, int64_t until_ms,
                      bool *is_done) MUST_USE;

/* ---- bdb_failed.c ---- */

/* One that ended in failure, by when that was. It counts as long as its delivery says the same. */
struct bdb_failed {
    struct object_id subscription_id;
    int64_t finished_at_ms;
    struct object_id event_id;
};
enum status bdb_failed_put(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery) MUST_USE;
/* A row that is not there is STATUS_OK. */
enum status bdb_failed_delete(struct bdb *bdb, DB_TXN *txn, const struct bdb_failed *failed) MUST_USE;
/* Up to `max` of a subscription that failed in [since_ms, until_ms), for writing, those that failed first.
 * *has_more: there are others. */
enum status bdb_failed_collect(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id, int64_t since_ms,
                               int64_t until_ms, size_t max, struct bdb_failed *out, size_t *count,
                               bool *has_more) MUST_USE;

/* ---- bdb_by_hand.c ---- */

/* Writes a delivery that delivery_revive is to change, and moves its place in the order of work. */
enum status bdb_delivery_make_due(struct bdb *bdb, DB_TXN *txn, struct delivery *delivery, int64_t now_ms) MUST_USE;

#endif
