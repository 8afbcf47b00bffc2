/* Probes: one row a subscription, and one more while something is to be done about it. */
#ifndef HOOKTURN_STORE_BDB_BDB_PROBE_H
#define HOOKTURN_STORE_BDB_BDB_PROBE_H

#include "store/bdb/bdb.h"

/* ---- bdb_probe.c ---- */

/* The latest, whatever its status. */
enum status bdb_probe_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id, u_int32_t flags,
                           struct probe *out) MUST_USE;
/* With its row in BDB_PROBE_DUE: where it is pending, at the end of its lease or at once; else that row goes. */
enum status bdb_probe_write(struct bdb *bdb, DB_TXN *txn, const struct probe *probe) MUST_USE;

/* ---- bdb_probe_due.c ---- */

struct bdb_probe_due {
    struct object_id subscription_id;
    struct uuid organization_id;
    int64_t due_at_ms;
};
enum status bdb_probe_due_put(struct bdb *bdb, DB_TXN *txn, const struct bdb_probe_due *due) MUST_USE;
/* A row that is not there is STATUS_OK. */
enum status bdb_probe_due_delete(struct bdb *bdb, DB_TXN *txn, const struct bdb_probe_due *due) MUST_USE;
/* The first row behind `after`. STATUS_NOT_FOUND. */
enum status bdb_probe_due_hop(struct bdb *bdb, const struct object_id *after, struct bdb_probe_due *out) MUST_USE;
/* Whether one may be claimed at now_ms. Reads rows that are worked on, until it meets one that is not. */
enum status bdb_probe_is_due(struct bdb *bdb, int64_t now_ms, bool *out) MUST_USE;

#endif
