/* Making, opening, maintaining and closing a store. */
#include "store/bdb/bdb_env.h"

#include <stdlib.h>

#include "store/bdb/bdb_home.h"

enum {
    CHECKPOINT_KIB = 4096, /* recovery reads the log from the last one on: so much of it, */
    CHECKPOINT_MINUTES = 1 /* or so old, at most */
};

enum status bdb_create(const char *data_dir, struct failure *failure)
{
    struct bdb *bdb = bdb_new(data_dir);
    enum status status = bdb_home_make(bdb->home, failure);
    if (status == STATUS_OK)
        status = gate_create(bdb->home, failure);
    if (status == STATUS_OK)
        status = bdb_enter(bdb, STORE_FOR_COMMAND, failure);
    if (status == STATUS_OK) {
        status = bdb_tables_create(bdb);
        if (status == STATUS_FULL)
            failure_set(failure, "cannot make the store in %s: no space is left on the device; make room and try again",
                        bdb->home);
        else if (status != STATUS_OK)
            failure_set(failure, "cannot make the store in %s (%s): the log says why", bdb->home, status_name(status));
    }
    if (status == STATUS_OK)
        status = gate_ready(bdb->gate, failure);
    if (status == STATUS_OK)
        status = bdb_home_finish(bdb->home, failure);
    bdb_free(bdb);
    return status;
}

/* Tables that an older version did not know are made; the mark tells from then on that all are there. With the gate
 * locked, and beside others that have the store open. */
static enum status bring_up_to_date(struct bdb *bdb, struct failure *failure)
{
    enum status status = bdb_tables_create(bdb);
    if (status != STATUS_OK) {
        failure_set(failure, "cannot bring the store in %s up to date (%s): the log says why", bdb->home,
                    status_name(status));
        return status;
    }
    return bdb_home_mark(bdb->home, failure);
}

enum status bdb_open(const char *data_dir, enum store_role role, struct store **out, struct failure *failure)
{
    struct bdb *bdb = bdb_new(data_dir);
    enum status status = bdb_home_check(bdb->home, &bdb->format, failure);
    if (status == STATUS_OK)
        status = bdb_enter(bdb, role, failure);
    if (status == STATUS_OK && bdb->format < BDB_HOME_FORMAT)
        status = bring_up_to_date(bdb, failure);
    if (status == STATUS_OK)
        status = gate_ready(bdb->gate, failure);
    if (status == STATUS_OK)
        *out = &bdb->store;
    else
        bdb_free(bdb);
    return status;
}

void bdb_close(struct store *store)
{
    bdb_free(bdb_of(store));
}

bool bdb_is_leaving(const struct store *store)
{
    return gate_is_leaving(((const struct bdb *)store)->gate);
}

static enum status last_checkpoint(struct bdb *bdb, DB_LSN *out)
{
    DB_TXN_STAT *statistics;
    enum status status = bdb_status(bdb, bdb->env->txn_stat(bdb->env, &statistics, 0), "statistics");
    if (status == STATUS_OK) {
        *out = statistics->st_last_ckp;
        free(statistics);
    }
    return status;
}

/* The log can only be trimmed after a checkpoint; to look each time would cost a plain CGI request more than the
 * checkpoint that it does not make. */
static enum status checkpoint(struct bdb *bdb)
{
    DB_ENV *env = bdb->env;
    DB_LSN before, after;
    enum status status = last_checkpoint(bdb, &before);
    if (status == STATUS_OK)
        status = bdb_status(bdb, env->txn_checkpoint(env, CHECKPOINT_KIB, CHECKPOINT_MINUTES, 0), "checkpoint");
    if (status == STATUS_OK)
        status = last_checkpoint(bdb, &after);
    return status != STATUS_OK || log_compare(&before, &after) == 0 ? status : bdb_log_trim(bdb);
}

enum status bdb_maintain(struct store *store)
{
    struct bdb *bdb = bdb_of(store);
    DB_ENV *env = bdb->env;
    if (gate_is_leaving(bdb->gate))
        return STATUS_UNAVAILABLE;
    int rejected; /* timeouts are only looked at when somebody looks */
    enum status status = bdb_status(bdb, env->lock_detect(env, 0, DB_LOCK_EXPIRE, &rejected), "detect");
    return status == STATUS_OK ? checkpoint(bdb) : status;
}
