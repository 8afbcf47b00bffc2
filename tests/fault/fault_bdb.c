/* Berkeley DB's methods, each of which fails when it is its turn. The linker sends the two functions that make handles
 * here (--wrap); all methods of one name are the same function, so one place to keep each suffices. A commit that fails
 * has ended its transaction, like Berkeley DB's own. */
#include <db.h>
#include <errno.h>

#include "fault.h"

int __real_db_env_create(DB_ENV **out, u_int32_t flags);
int __real_db_create(DB **out, DB_ENV *env, u_int32_t flags);
int __wrap_db_env_create(DB_ENV **out, u_int32_t flags);
int __wrap_db_create(DB **out, DB_ENV *env, u_int32_t flags);

/* The code that the call returns in place of its work; 0: it works. */
static int failing(void)
{
    return fault_is_due(FAULT_STORE) ? EIO : fault_is_due(FAULT_CONFLICT) ? DB_LOCK_DEADLOCK : 0;
}

static struct {
    int (*env_open)(DB_ENV *, const char *, u_int32_t, int);
    int (*begin)(DB_ENV *, DB_TXN *, DB_TXN **, u_int32_t);
    int (*checkpoint)(DB_ENV *, u_int32_t, u_int32_t, u_int32_t);
    int (*commit)(DB_TXN *, u_int32_t);
    int (*open)(DB *, DB_TXN *, const char *, const char *, DBTYPE, u_int32_t, int);
    int (*get)(DB *, DB_TXN *, DBT *, DBT *, u_int32_t);
    int (*put)(DB *, DB_TXN *, DBT *, DBT *, u_int32_t);
    int (*del)(DB *, DB_TXN *, DBT *, u_int32_t);
    int (*cursor)(DB *, DB_TXN *, DBC **, u_int32_t);
    int (*cursor_get)(DBC *, DBT *, DBT *, u_int32_t);
    int (*cursor_put)(DBC *, DBT *, DBT *, u_int32_t);
    int (*cursor_del)(DBC *, u_int32_t);
} real;

/* Opening fails with the device, never by a conflict. */
static int env_open(DB_ENV *env, const char *home, u_int32_t flags, int mode)
{
    return fault_is_due(FAULT_STORE) ? EIO : real.env_open(env, home, flags, mode);
}

static int checkpoint(DB_ENV *env, u_int32_t kib, u_int32_t minutes, u_int32_t flags)
{
    return fault_is_due(FAULT_STORE) ? EIO : real.checkpoint(env, kib, minutes, flags);
}

static int commit(DB_TXN *txn, u_int32_t flags)
{
    int code = failing();
    if (code == 0)
        return real.commit(txn, flags);
    int aborted = txn->abort(txn);
    return aborted != 0 ? aborted : code;
}

static int begin(DB_ENV *env, DB_TXN *parent, DB_TXN **out, u_int32_t flags)
{
    int code = fault_is_due(FAULT_STORE) ? EIO : real.begin(env, parent, out, flags);
    if (code == 0 && (*out)->commit != commit) {
        real.commit = (*out)->commit;
        (*out)->commit = commit;
    }
    return code;
}

static int cursor_get(DBC *cursor, DBT *key, DBT *value, u_int32_t flags)
{
    int code = failing();
    return code != 0 ? code : real.cursor_get(cursor, key, value, flags);
}

static int cursor_put(DBC *cursor, DBT *key, DBT *value, u_int32_t flags)
{
    int code = failing();
    return code != 0 ? code : real.cursor_put(cursor, key, value, flags);
}

static int cursor_del(DBC *cursor, u_int32_t flags)
{
    int code = failing();
    return code != 0 ? code : real.cursor_del(cursor, flags);
}

static int make_cursor(DB *db, DB_TXN *txn, DBC **out, u_int32_t flags)
{
    int code = failing();
    if (code == 0)
        code = real.cursor(db, txn, out, flags);
    if (code == 0 && (*out)->get != cursor_get) {
        real.cursor_get = (*out)->get;
        real.cursor_put = (*out)->put;
        real.cursor_del = (*out)->del;
        (*out)->get = cursor_get;
        (*out)->put = cursor_put;
        (*out)->del = cursor_del;
    }
    return code;
}

static int get(DB *db, DB_TXN *txn, DBT *key, DBT *value, u_int32_t flags)
{
    int code = failing();
    return code != 0 ? code : real.get(db, txn, key, value, flags);
}

static int put(DB *db, DB_TXN *txn, DBT *key, DBT *value, u_int32_t flags)
{
    int code = failing();
    return code != 0 ? code : real.put(db, txn, key, value, flags);
}

static int del(DB *db, DB_TXN *txn, DBT *key, u_int32_t flags)
{
    int code = failing();
    return code != 0 ? code : real.del(db, txn, key, flags);
}

/* Opening makes the methods anew that depend on the table's type. */
static int open_table(DB *db, DB_TXN *txn, const char *file, const char *name, DBTYPE type, u_int32_t flags, int mode)
{
    int code = fault_is_due(FAULT_STORE) ? EIO : real.open(db, txn, file, name, type, flags, mode);
    if (code != 0 || db->get == get)
        return code;
    real.get = db->get;
    real.put = db->put;
    real.del = db->del;
    real.cursor = db->cursor;
    db->get = get;
    db->put = put;
    db->del = del;
    db->cursor = make_cursor;
    return 0;
}

int __wrap_db_env_create(DB_ENV **out, u_int32_t flags)
{
    int code = __real_db_env_create(out, flags);
    if (code != 0)
        return code;
    real.env_open = (*out)->open;
    real.begin = (*out)->txn_begin;
    real.checkpoint = (*out)->txn_checkpoint;
    (*out)->open = env_open;
    (*out)->txn_begin = begin;
    (*out)->txn_checkpoint = checkpoint;
    return 0;
}

int __wrap_db_create(DB **out, DB_ENV *env, u_int32_t flags)
{
    int code = __real_db_create(out, env, flags);
    if (code != 0)
        return code;
    real.open = (*out)->open;
    (*out)->open = open_table;
    return 0;
}
