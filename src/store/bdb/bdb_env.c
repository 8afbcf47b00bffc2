/* The environment's life: through the gate, open (with recovery where the gate says so), closed again. */
#include "store/bdb/bdb_env.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/bdb/bdb_agenda.h"
#include "store/bdb/bdb_home.h"

enum {
    LOG_FILE_BYTES = 8 * 1024 * 1024,
    LOG_BUFFER_BYTES = 512 * 1024,
    CACHE_BYTES = 8 * 1024 * 1024,
    REGION_BYTES_MAX = CACHE_BYTES / 4 * 5 + 1024 * 1024, /* Berkeley DB adds a quarter to the cache */
    MAX_LOCKS = 8000, /* a batch of a thousand events takes up to some two thousand */
    MAX_LOCK_OBJECTS = 8000,
    MAX_LOCKERS = 1000,
    MAX_TRANSACTIONS = 500,
    LOCK_TIMEOUT_US = 5 * 1000 * 1000,
    MATCH_CACHE_BYTES = 8 * 1024 * 1024 /* some 30,000 subscriptions with a filter each of their own */
};

/* How long it waits for others that open or recover, and what tells it to leave. */
static const struct {
    int64_t wait_ms;
    enum gate_watcher watcher;
} roles[] = {
    [STORE_FOR_REQUEST] = {2000, GATE_WATCHED_BY_THREAD},
    [STORE_FOR_ONE_REQUEST] = {2000, GATE_WATCHED_BY_ALARM},
    [STORE_FOR_COMMAND] = {20000, GATE_WATCHED_BY_THREAD},
};

void bdb_log_message(const DB_ENV *env, const char *prefix, const char *message)
{
    (void)env;
    (void)prefix;
    log_error("berkeley_db", LOG_TEXT("message", message));
}

/* ---- the environment ---- */

/* These tables get their whole size at once; see bdb_home_reserve_regions. */
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
    env->set_errcall(env, bdb_log_message);
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

static enum status open_failure(struct bdb *bdb, int code, bool recover, struct failure *failure)
{
    enum status status = bdb_status(bdb, code, "open");
    if (status == STATUS_FULL)
        failure_set(failure, "the disk that holds %s is full: make room and try again", bdb->home);
    else if (recover)
        failure_set(failure,
                    "cannot recover the store in %s (%s); the log says why: where a file is damaged, restore a backup",
                    bdb->home, db_strerror(code));
    else
        failure_set(failure, "cannot open the store in %s: %s", bdb->home, db_strerror(code));
    return status == STATUS_AGAIN ? STATUS_UNAVAILABLE : status;
}

static enum status leave(struct bdb *bdb, enum status status)
{
    gate_leave(bdb->gate);
    bdb->gate = NULL;
    return status;
}

/* Once through the gate. *is_broken: the regions cannot be used, though nobody knew it: recovery is due. */
static enum status enter_once(struct bdb *bdb, enum store_role role, bool *is_broken, struct failure *failure)
{
    bool recover;
    *is_broken = false;
    enum status status = gate_enter(bdb->home, roles[role].wait_ms, roles[role].watcher, &bdb->gate, &recover, failure);
    if (status != STATUS_OK)
        return status;
    if (bdb->format != 0) /* else it is being made. Who was at the gate before us may have brought it up to date */
        status = bdb_home_check(bdb->home, &bdb->format, failure);
    if (status == STATUS_OK && recover)
        status = bdb_table_files_check(bdb->home, bdb->format, failure);
    if (status != STATUS_OK)
        return leave(bdb, status);
    int code = env_open(bdb, recover);
    if (code == 0 && recover) { /* the regions were made anew, and most of the log is needed no more */
        bdb_home_reserve_regions(bdb->home, REGION_BYTES_MAX);
        if (bdb_log_trim(bdb) != STATUS_OK)
            log_warn("store_log_kept", LOG_TEXT("home", bdb->home));
    }
    if (code == 0)
        return STATUS_OK;
    *is_broken = !recover && (code == DB_RUNRECOVERY || code == EINVAL);
    if (*is_broken)
        gate_condemn(bdb->gate);
    return leave(bdb, open_failure(bdb, code, recover, failure));
}

enum status bdb_enter(struct bdb *bdb, enum store_role role, struct failure *failure)
{
    bool is_broken;
    enum status status = enter_once(bdb, role, &is_broken, failure);
    if (is_broken)
        status = enter_once(bdb, role, &is_broken, failure);
    return status;
}

/* ---- the engine's structure ---- */

struct bdb *bdb_new(const char *data_dir)
{
    bdb_system_prepare();
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
    bdb->agenda = bdb_agenda_new();
    bdb->wake_fd = -1;
    bdb->matches = match_cache_new(MATCH_CACHE_BYTES);
    return bdb;
}

void bdb_free(struct bdb *bdb)
{
    if (bdb->env) {
        bdb_tables_close(bdb);
        bdb->env->close(bdb->env, 0);
    }
    if (bdb->gate)
        gate_leave(bdb->gate);
    if (bdb->wake_fd >= 0)
        close(bdb->wake_fd);
    match_cache_free(bdb->matches);
    bdb_agenda_free(bdb->agenda);
    pthread_key_delete(bdb->lane_key);
    pthread_mutex_destroy(&bdb->mutex);
    free(bdb->home);
    free(bdb);
}
