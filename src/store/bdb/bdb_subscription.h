/* What follows from a subscription's record: its name's row, and whether other events now go to it. */
#ifndef HOOKTURN_STORE_BDB_BDB_SUBSCRIPTION_H
#define HOOKTURN_STORE_BDB_BDB_SUBSCRIPTION_H

#include "store/bdb/bdb.h"

/* STATUS_EXISTS: the organization has a subscription of that name. */
enum status bdb_subscription_name_take(struct bdb *bdb, DB_TXN *txn, const struct subscription *subscription) MUST_USE;
/* Lets the old name go where it changed or the subscription was deleted, and takes the new one: STATUS_EXISTS. */
enum status bdb_subscription_name_change(struct bdb *bdb, DB_TXN *txn, const struct subscription *before,
                                         const struct subscription *after) MUST_USE;
/* Whether anything changed that decides which events it gets. */
bool bdb_subscription_matching_differs(const struct subscription *before, const struct subscription *after);

#endif
