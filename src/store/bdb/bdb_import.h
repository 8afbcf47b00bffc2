/* What export and import need of the others' files, and how a record that was exported comes in. */
#ifndef HOOKTURN_STORE_BDB_BDB_IMPORT_H
#define HOOKTURN_STORE_BDB_BDB_IMPORT_H

#include "store/bdb/bdb.h"

/* ---- bdb_walk.c ---- */

/* How many rows there are; what comes and goes meanwhile may be counted or not. */
enum status bdb_count(struct bdb *bdb, enum bdb_table table, uint64_t *out) MUST_USE;

/* ---- bdb_api_key.c ---- */

/* By digest. The caller clears `out`. */
enum status bdb_api_key_read(struct bdb *bdb, DB_TXN *txn, const unsigned char *digest, u_int32_t flags,
                             struct api_key *out) MUST_USE;
/* The record alone. */
enum status bdb_api_key_write(struct bdb *bdb, DB_TXN *txn, const struct api_key *api_key, u_int32_t flags) MUST_USE;
/* With the row that finds it by its id. STATUS_EXISTS. */
enum status bdb_api_key_add(struct bdb *bdb, DB_TXN *txn, const struct api_key *api_key) MUST_USE;

/* ---- bdb_answer.c ---- */

/* All of a row but its key. The caller clears `out`. STATUS_VERSION, STATUS_CORRUPT. */
enum status bdb_answer_decode(struct slice row, struct kept_answer *out) MUST_USE;
/* The same, of a row for writing. Also STATUS_NOT_FOUND. */
enum status bdb_answer_read(struct bdb *bdb, DB_TXN *txn, const unsigned char *digest,
                            struct kept_answer *out) MUST_USE;
enum status bdb_answer_put(struct bdb *bdb, DB_TXN *txn, const struct kept_answer *answer) MUST_USE;

/* ---- bdb_subscription.c, bdb_by_hand.c ---- */

/* Whatever the record held is replaced. */
enum status bdb_subscription_write(struct bdb *bdb, DB_TXN *txn, const struct subscription *subscription) MUST_USE;
/* Takes a delivery's row out of the order of work, or of what failed. */
enum status bdb_delivery_leave_place(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery) MUST_USE;

/* ---- putting one record ---- */

/* Within the transaction of a whole batch. *outcome says what became of the record; the item may be changed. */
typedef enum status (*bdb_import_put)(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                      enum import_outcome *outcome);

/* ---- bdb_import_subscription.c ---- */

/* STATUS_EXISTS: another subscription has the name. */
enum status bdb_import_subscription(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                    enum import_outcome *outcome) MUST_USE;
enum status bdb_import_probe(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                             enum import_outcome *outcome) MUST_USE;

#endif
