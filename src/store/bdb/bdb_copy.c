/* The hot copy, in the order that Berkeley DB asks for: a checkpoint, then every table, page by page, kept apart from
 * those who write pages meanwhile; then the log, which has all that happened to pages that were copied before. The copy
 * is made whole by a recovery that reads all of that log (bdb_contents.c). */
#include "store/bdb/bdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tree.h"
#include "store/bdb/bdb_home.h"

struct copy {
    struct bdb *bdb;
    const char *directory;
    const struct store_progress *progress;
    uint64_t done; /* bytes of tables */
    uint64_t total;
};

/* 0 where there is no such file: the copying says so. */
static uint64_t table_bytes(const struct bdb *bdb, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    struct stat info;
    bdb_table_file(table, file);
    struct buf path = tree_path(bdb->home, file);
    uint64_t bytes = stat(path.data, &info) == 0 ? (uint64_t)info.st_size : 0;
    buf_clear(&path);
    return bytes;
}

static enum status may_go_on(const struct copy *copy)
{
    if (gate_is_leaving(copy->bdb->gate))
        return STATUS_UNAVAILABLE;
    return copy->progress->report(copy->progress->context, "copying", copy->done, copy->total) ? STATUS_OK
                                                                                               : STATUS_CONFLICT;
}

static enum status copy_table(struct copy *copy, enum bdb_table table)
{
    DB_ENV *env = copy->bdb->env;
    char file[BDB_FILE_NAME];
    uint64_t bytes = table_bytes(copy->bdb, table);
    enum status status = may_go_on(copy);
    if (status == STATUS_OK)
        status = bdb_table_file_find(copy->bdb->home, BDB_HOME_FORMAT, table); /* of which it is since it was opened */
    if (status != STATUS_OK)
        return status;
    bdb_table_file(table, file);
    status = bdb_status(copy->bdb, env->dbbackup(env, file, copy->directory, DB_EXCL), file);
    copy->done += bytes;
    return status;
}

static enum status copy_tables(struct copy *copy)
{
    enum status status = STATUS_OK;
    for (unsigned i = 0; i < BDB_TABLES; i++)
        copy->total += table_bytes(copy->bdb, (enum bdb_table)i);
    for (unsigned i = 0; i < BDB_TABLES && status == STATUS_OK; i++)
        status = copy_table(copy, (enum bdb_table)i);
    return status;
}

static enum status copy_file(const struct copy *copy, const char *name)
{
    struct buf from = tree_path(copy->bdb->home, name), to = tree_path(copy->directory, name);
    enum status status = tree_copy_file(from.data, to.data, NULL);
    buf_clear(&from);
    buf_clear(&to);
    return status;
}

/* Others write on; what of their last records is not whole in the copy, recovery leaves off. */
static enum status copy_log(struct copy *copy)
{
    DB_ENV *env = copy->bdb->env;
    char **names = NULL;
    enum status status = bdb_status(copy->bdb, env->log_flush(env, NULL), "log");
    if (status == STATUS_OK)
        status = bdb_status(copy->bdb, env->log_archive(env, &names, DB_ARCH_LOG), "log");
    for (char **name = names; name && *name && status == STATUS_OK; name++) {
        status = may_go_on(copy);
        if (status == STATUS_OK)
            status = copy_file(copy, *name);
    }
    free(names);
    return status;
}

static void explain(const struct copy *copy, enum status status, struct failure *failure)
{
    if (status == STATUS_CONFLICT)
        failure_set(failure, "stopped before it was done; run it again");
    else if (status == STATUS_FULL)
        failure_set(failure, "there is no space left for %s: make room, or choose another place", copy->directory);
    else
        failure_set(failure, "cannot copy the store to %s (%s): the log says why", copy->directory,
                    status_name(status));
}

enum status bdb_copy(struct store *store, const char *directory, const struct store_progress *progress,
                     struct failure *failure)
{
    struct bdb *bdb = bdb_of(store);
    char *target = bdb_home_path(directory);
    struct copy copy = {.bdb = bdb, .directory = target, .progress = progress};
    int hold = bdb_log_hold(bdb);
    if (hold < 0) {
        failure_set(failure, "another backup is made just now: wait for it");
        free(target);
        return STATUS_CONFLICT;
    }
    enum status status = mkdir(target, 0700) == 0 ? STATUS_OK : STATUS_IO;
    if (status == STATUS_OK)
        status = bdb_status(bdb, bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE), "checkpoint");
    if (status == STATUS_OK)
        status = copy_tables(&copy);
    if (status == STATUS_OK)
        status = copy_log(&copy);
    close(hold);
    if (status == STATUS_OK)
        status = copy_file(&copy, "format");
    if (status != STATUS_OK)
        explain(&copy, status, failure);
    free(target);
    return status;
}
