/* The border: what Berkeley DB returns becomes enum status here and nowhere else, and is logged here, once. */
#include "store/bdb/bdb.h"

#include <errno.h>

#include "base/clock.h"
#include "base/log.h"

/* What may happen while all is well, and is not worth a line. */
static enum status expected(int code, const char *what)
{
    switch (code) {
    case 0:
        return STATUS_OK;
    case DB_NOTFOUND:
        return STATUS_NOT_FOUND;
    case DB_KEYEXIST:
        return STATUS_EXISTS;
    case DB_LOCK_DEADLOCK:
    case DB_LOCK_NOTGRANTED:
        log_debug("store_conflict", LOG_TEXT("operation", what));
        return STATUS_AGAIN;
    default:
        return STATUS_IO;
    }
}

static enum status unexpected(int code)
{
    switch (code) {
    case ENOSPC:
    case EDQUOT:
        return STATUS_FULL;
    case ENOMEM: /* the tables of locks or transactions are full: others must end first */
        return STATUS_AGAIN;
    case DB_RUNRECOVERY:
        return STATUS_UNAVAILABLE;
    case EINVAL: /* what we ask for is right, so a file is not what it should be */
    case DB_VERIFY_BAD:
    case DB_PAGE_NOTFOUND:
    case DB_CHKSUM_FAIL:
        return STATUS_CORRUPT;
    case DB_OLD_VERSION:
    case DB_VERSION_MISMATCH:
        return STATUS_VERSION;
    default:
        return STATUS_IO;
    }
}

enum status bdb_status(struct bdb *bdb, int code, const char *what)
{
    enum status status = expected(code, what);
    if (status != STATUS_IO)
        return status;
    status = unexpected(code);
    log_error("store_error", LOG_TEXT("operation", what), LOG_TEXT("cause", db_strerror(code)),
              LOG_TEXT("status", status_name(status)));
    if (code == DB_RUNRECOVERY && bdb && bdb->gate)
        gate_condemn(bdb->gate);
    return status;
}

/* ---- records that cannot be read ---- */

enum { COMPLAIN_EVERY_MS = 60 * 1000 };

bool bdb_is_unreadable(enum status status)
{
    return status == STATUS_CORRUPT || status == STATUS_VERSION || status == STATUS_NOT_FOUND;
}

void bdb_pass_over(struct bdb *bdb, const char *what, const struct object_id *id, enum status status)
{
    char text[OBJECT_ID_TEXT];
    int64_t now_ms = clock_monotonic_ms();
    int64_t since_ms = atomic_load(&bdb->complained_at_ms);
    if (since_ms != 0 && now_ms - since_ms < COMPLAIN_EVERY_MS)
        return;
    atomic_store(&bdb->complained_at_ms, now_ms);
    object_id_format(id, text);
    log_error("store_unreadable", LOG_TEXT("record", what), LOG_TEXT("id", text),
              LOG_TEXT("status", status_name(status)));
}
