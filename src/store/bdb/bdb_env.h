/* The engine's structure and its way through the gate, for the verbs that make, open and check a store. */
#ifndef HOOKTURN_STORE_BDB_BDB_ENV_H
#define HOOKTURN_STORE_BDB_BDB_ENV_H

#include "store/bdb/bdb.h"

/* With nothing open. */
struct bdb *bdb_new(const char *data_dir);
/* Closes whatever is open, leaves the gate, frees. */
void bdb_free(struct bdb *bdb);
/* Through the gate, with recovery where it is due. The gate's lock is held afterwards: nobody else comes in before
 * gate_ready. */
enum status bdb_enter(struct bdb *bdb, enum store_role role, struct failure *failure) MUST_USE;
/* Looks at every page of a table that nobody has open. */
enum status bdb_verify_table(const char *home, enum bdb_table table) MUST_USE;
/* From now on Berkeley DB writes whole pages or nothing, in this process, which ends when there is no memory for it. */
void bdb_system_prepare(void);
/* For DB_ENV->set_errcall and DB->set_errcall. */
void bdb_log_message(const DB_ENV *env, const char *prefix, const char *message);

#endif
