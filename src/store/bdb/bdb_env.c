/* The environment's life: through the gate, open (with recovery where the gate says so), closed again. */
#include "store/bdb/bdb.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/bdb/bdb_home.h"

enum {
    LOG_FILE_BYTES = 8 * 1024 * 1024,
    LOG_BUFFER_BYTES = 512 * 1024,
    CACHE_BYTES = 8 * 1024 * 1024,
    MAX_LOCKS = 20000,
    MAX_LOCK_OBJECTS = 20000,
    MAX_LOCKERS = 2000,
    MAX_TRANSACTIONS = 500,
    LOCK_TIMEOUT_US = 5 * 1000 * 1000,
    CHECKPOINT_KIB = 4096, /* recovery reads the log from the last one on: so much of it, */
    CHECKPOINT_MINUTES = 1 /* or so old, at most */
};

/* So long a request, or a command, waits for others that open or recover. */
static const int64_t gate_wait_ms[] = {[STORE_FOR_REQUEST] = 2000, [STORE_FOR_COMMAND] = 20000};

static void log_message(const DB_ENV *env, const char *prefix, const char *message)
{
    (void)env;
    (void)prefix;
    log_error("berkeley_db", LOG_TEXT("message", message));
}

/* ---- the environment ---- */

/* Regions get their whole size when they are made: one that grows later would grow by a hole in its file, and writing
 * into that on a full disk is a SIGBUS. */
struct reservation {
    DB_MEM_CONFIG what;
    u_int32_t count;
};

static const struct reservation reservations[] = {
    {DB_MEM_LOCK, MAX_LOCKS},
    {DB_MEM_LOCKOBJECT, MAX_LOCK_OBJECTS},
    {DB_MEM_LOCKER, MAX_LOCKERS},
    {DB_MEM_TRANSACTION, MAX_TRANSACTIONS},
};

static int env_limits(DB_ENV *env)
{
    int code = env->set_cachesize(env, 0, CACHE_BYTES, 1);
    if (code == 0)
        code = env->set_lk_max_locks(env, MAX_LOCKS);
    if (code == 0)
        code = env->set_lk_max_objects(env, MAX_LOCK_OBJECTS);
    if (code == 0)
        code = env->set_lk_max_lockers(env, MAX_LOCKERS);
    if (code == 0)
        code = env->set_tx_max(env, MAX_TRANSACTIONS);
    for (size_t i = 0; i < sizeof reservations / sizeof reservations[0] && code == 0; i++)
        code = env->set_memory_init(env, reservations[i].what, reservations[i].count);
    if (code == 0)
        code = env->set_lg_max(env, LOG_FILE_BYTES);
    if (code == 0)
        code = env->set_lg_bsize(env, LOG_BUFFER_BYTES);
    return code;
}

static int env_behaviour(DB_ENV *env)
{
    int code = env->set_lk_detect(env, DB_LOCK_MINWRITE);
    if (code == 0)
        code = env->set_timeout(env, LOCK_TIMEOUT_US, DB_SET_LOCK_TIMEOUT);
    if (code == 0) /* a region with holes would be a SIGBUS on a full disk */
        code = env->set_flags(env, DB_REGION_INIT, 1);
    if (code == 0)
        code = env->log_set_config(env, DB_LOG_AUTO_REMOVE, 1);
    return code;
}

/* Berkeley DB's own code: the caller decides whether recovery may mend it. */
static int env_open(struct bdb *bdb, bool recover)
{
    u_int32_t flags = DB_CREATE | DB_INIT_TXN | DB_INIT_LOCK | DB_INIT_LOG | DB_INIT_MPOOL | DB_THREAD;
    DB_ENV *env;
    int code = db_env_create(&env, 0);
    if (code != 0)
        return code;
    env->set_errcall(env, log_message);
    code = env_limits(env);
    if (code == 0)
        code = env_behaviour(env);
    if (code == 0)
        code = env->open(env, bdb->home, recover ? flags | DB_RECOVER : flags, 0600);
    if (code == 0)
        bdb->env = env;
    else
        env->close(env, 0);
    return code;
}

static enum status open_failure(struct bdb *bdb, int code, struct failure *failure)
{
    enum status status = bdb_status(bdb, code, "open");
    if (status == STATUS_FULL)
        failure_set(failure, "the disk that holds %s is full: make room and try again", bdb->home);
    else
        failure_set(failure, "cannot open the store in %s: %s", bdb->home, db_strerror(code));
    return status == STATUS_AGAIN ? STATUS_UNAVAILABLE : status;
}

/* Once through the gate. *is_broken: the regions cannot be used, though nobody knew it: recovery is due. */
static enum status enter_once(struct bdb *bdb, int64_t wait_ms, bool *is_broken, struct failure *failure)
{
    bool recover;
    *is_broken = false;
    enum status status = gate_enter(bdb->home, wait_ms, &bdb->gate, &recover, failure);
    if (status != STATUS_OK)
        return status;
    int code = env_open(bdb, recover);
    if (code == 0)
        return STATUS_OK;
    *is_broken = !recover && (code == DB_RUNRECOVERY || code == EINVAL);
    if (*is_broken)
        gate_condemn(bdb->gate);
    status = open_failure(bdb, code, failure);
    gate_leave(bdb->gate);
    bdb->gate = NULL;
    return status;
}

/* The gate's lock is held afterwards: nobody else comes in before gate_ready. */
static enum status enter(struct bdb *bdb, int64_t wait_ms, struct failure *failure)
{
    bool is_broken;
    enum status status = enter_once(bdb, wait_ms, &is_broken, failure);
    if (is_broken)
        status = enter_once(bdb, wait_ms, &is_broken, failure);
    return status;
}

/* ---- the engine's structure ---- */

static struct bdb *bdb_new(const char *data_dir)
{
    struct bdb *bdb = mem_calloc(1, sizeof *bdb);
    bdb->home = bdb_home_path(data_dir);
    pthread_mutex_init(&bdb->mutex, NULL);
    if (pthread_key_create(&bdb->lane_key, NULL) != 0) {
        log_error("store_thread_key", LOG_TEXT("cause", "no thread keys left"));
        exit(EXIT_FAILURE);
    }
    for (size_t i = 0; i < BDB_TABLES; i++)
        atomic_init(&bdb->tables[i], NULL);
    crypto_random(&bdb->claimed_last, sizeof bdb->claimed_last); /* so that workers do not all begin at one end */
    bdb->wake_fd = -1;
    return bdb;
}

static void bdb_free(struct bdb *bdb)
{
    if (bdb->env) {
        bdb_tables_close(bdb);
        bdb->env->close(bdb->env, 0);
    }
    if (bdb->gate)
        gate_leave(bdb->gate);
    if (bdb->wake_fd >= 0)
        close(bdb->wake_fd);
    pthread_key_delete(bdb->lane_key);
    pthread_mutex_destroy(&bdb->mutex);
    free(bdb->home);
    free(bdb);
}

/* ---- verbs ---- */

enum status bdb_create(const char *data_dir, struct failure *failure)
{
    struct bdb *bdb = bdb_new(data_dir);
    enum status status = bdb_home_make(bdb->home, failure);
    if (status == STATUS_OK)
        status = gate_create(bdb->home, failure);
    if (status == STATUS_OK)
        status = enter(bdb, gate_wait_ms[STORE_FOR_COMMAND], failure);
    if (status == STATUS_OK) {
        status = bdb_tables_create(bdb);
        if (status == STATUS_OK)
            status = bdb_status(bdb, bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE), "checkpoint");
        if (status != STATUS_OK)
            failure_set(failure, "cannot make the store in %s (%s): remove it and try again", bdb->home,
                        status_name(status));
    }
    if (status == STATUS_OK)
        status = gate_ready(bdb->gate, failure);
    if (status == STATUS_OK)
        status = bdb_home_finish(bdb->home, failure);
    bdb_free(bdb);
    return status;
}

enum status bdb_open(const char *data_dir, enum store_role role, struct store **out, struct failure *failure)
{
    struct bdb *bdb = bdb_new(data_dir);
    enum status status = bdb_home_check(bdb->home, failure);
    if (status == STATUS_OK)
        status = enter(bdb, gate_wait_ms[role], failure);
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

enum status bdb_maintain(struct store *store)
{
    struct bdb *bdb = bdb_of(store);
    DB_ENV *env = bdb->env;
    if (gate_is_leaving(bdb->gate))
        return STATUS_UNAVAILABLE;
    int rejected; /* timeouts are only looked at when somebody looks */
    enum status status = bdb_status(bdb, env->lock_detect(env, 0, DB_LOCK_EXPIRE, &rejected), "detect");
    if (status != STATUS_OK)
        return status;
    return bdb_status(bdb, env->txn_checkpoint(env, CHECKPOINT_KIB, CHECKPOINT_MINUTES, 0), "checkpoint");
}

/* ---- checking ---- */

static enum status verify_tables(struct bdb *bdb, struct failure *failure)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < BDB_TABLES && status == STATUS_OK; i++) {
        char file[BDB_FILE_NAME];
        DB *db;
        bdb_table_file((enum bdb_table)i, file);
        status = bdb_status(bdb, db_create(&db, bdb->env, 0), file);
        if (status == STATUS_OK)
            status = bdb_status(bdb, db->verify(db, file, NULL, NULL, 0), file); /* frees the handle */
        if (status != STATUS_OK)
            failure_set(failure, "%s/%s does not verify (%s): restore a backup", bdb->home, file, status_name(status));
    }
    return status;
}

enum status bdb_check(const char *data_dir, struct failure *failure)
{
    struct bdb *bdb = bdb_new(data_dir);
    enum status status = bdb_home_check(bdb->home, failure);
    if (status == STATUS_OK)
        status = bdb_home_is_alone(bdb->home, 0, failure); /* before recovery would end the others */
    if (status == STATUS_OK)
        status = enter(bdb, gate_wait_ms[STORE_FOR_REQUEST], failure);
    if (status == STATUS_OK)
        status = bdb_home_is_alone(bdb->home, 1, failure); /* for good: the gate is locked until the end */
    if (status == STATUS_OK)
        status = bdb_status(bdb, bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE), "checkpoint");
    if (status == STATUS_OK)
        status = verify_tables(bdb, failure);
    bdb_free(bdb);
    return status;
}
