/* Checking a store: nobody else has it open, and every page of every table is looked at. */
#include "store/bdb/bdb_env.h"

#include "base/tree.h"
#include "store/bdb/bdb_home.h"

/* Without the environment: verifying a large table takes more of the shared regions than they have. */
enum status bdb_verify_table(const char *home, enum bdb_table table)
{
    char file[BDB_FILE_NAME];
    DB *db;
    bdb_table_file(table, file);
    struct buf path = tree_path(home, file);
    enum status status = bdb_status(NULL, db_create(&db, NULL, 0), file);
    if (status == STATUS_OK) {
        db->set_errcall(db, bdb_log_message);
        status = bdb_status(NULL, db->verify(db, path.data, NULL, NULL, 0), file); /* frees the handle */
    }
    buf_clear(&path);
    return status;
}

static enum status verify_tables(struct bdb *bdb, struct failure *failure)
{
    for (unsigned i = 0; i < BDB_TABLES; i++) {
        enum status status = bdb_table_file_find(bdb->home, bdb->format, (enum bdb_table)i);
        if (status == STATUS_OK)
            status = bdb_verify_table(bdb->home, (enum bdb_table)i);
        if (status != STATUS_OK && status != STATUS_NOT_FOUND) {
            char file[BDB_FILE_NAME];
            bdb_table_file((enum bdb_table)i, file);
            failure_set(failure, "%s/%s does not verify (%s): restore a backup", bdb->home, file, status_name(status));
            return status;
        }
    }
    return STATUS_OK;
}

/* All that the log holds goes to the files, and the environment is closed; the gate stays locked. */
static enum status flush_and_close(struct bdb *bdb, struct failure *failure)
{
    enum status status = bdb_status(bdb, bdb->env->txn_checkpoint(bdb->env, 0, 0, DB_FORCE), "checkpoint");
    int code = bdb->env->close(bdb->env, 0);
    bdb->env = NULL;
    if (status == STATUS_OK)
        status = bdb_status(bdb, code, "close");
    if (status != STATUS_OK)
        failure_set(failure, "cannot write the log of %s to its files (%s)", bdb->home, status_name(status));
    return status;
}

enum status bdb_check(const char *data_dir, struct failure *failure)
{
    struct bdb *bdb = bdb_new(data_dir);
    enum status status = bdb_home_check(bdb->home, &bdb->format, failure);
    if (status == STATUS_OK)
        status = bdb_home_is_alone(bdb->home, 0, failure); /* before recovery would end the others */
    if (status == STATUS_OK)
        status = bdb_enter(bdb, STORE_FOR_REQUEST, failure);
    if (status == STATUS_OK)
        status = bdb_home_is_alone(bdb->home, 1, failure); /* for good: the gate is locked until the end */
    if (status == STATUS_OK)
        status = flush_and_close(bdb, failure);
    if (status == STATUS_OK)
        status = verify_tables(bdb, failure);
    bdb_free(bdb);
    return status;
}
