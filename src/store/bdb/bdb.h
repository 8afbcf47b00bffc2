/* The embedded engine: Berkeley DB behind store.h's verbs. This header is shared by its files alone; what fewer of them
 * need of events is in bdb_event.h, of the order of work in bdb_due.h.
 *
 *     bdb_env.c           the environment behind the gate, recovery
 *     bdb_life.c, bdb_check.c  making, opening, closing, verifying a store
 *     bdb_error.c         Berkeley DB's return codes as enum status: the only place
 *     bdb_txn.c           the retry loop around a transaction or a read
 *     bdb_table.c         the table of databases; get, put, delete
 *     bdb_table_file.c    their files
 *     bdb_spread.c        pages made in advance
 *     bdb_cursor.c        ordered walks
 *     bdb_walk.c          whole tables, with nothing locked
 *     bdb_system.c        how all of that is written to the files, and what happens without memory
 *     bdb_log.c           the log's old parts: removed, or held while a backup copies
 *     bdb_answer.c        answering once (idempotency keys)
 *     bdb_publish.c       a verb of store.h each, or a step of one:
 *     bdb_match.c, bdb_notice.c, bdb_intake.c, bdb_due.c, bdb_claim.c, bdb_settle.c, bdb_health.c, ...
 *     bdb_agenda.c        where claiming looks first
 *     bdb_upkeep*.c, bdb_export.c, bdb_import*.c
 *                         housekeeping, in stages; all of it, out and in
 *
 * Page locks are held until a commit has reached the disk, so what requests write in one transaction is spread: ids
 * start with a lane, and new events queue in as many small databases as there are lanes. */
#ifndef HOOKTURN_STORE_BDB_BDB_H
#define HOOKTURN_STORE_BDB_BDB_H

#include <db.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "store/bdb/bdb_bytes.h"
#include "store/bdb/gate.h"
#include "store/engine.h"
#include "store/match_cache.h"

enum {
    BDB_LANES = OBJECT_ID_LANES,
    BDB_STEP_MAX = 200,     /* deliveries that one transaction of the worker changes at most */
    BDB_EXPAND_EVENT = 500, /* delivery rows that are written with their event */
    BDB_EXPAND_CALL = 1000  /* and with all events of one call */
};

/* key -> value. Every value starts with a version byte. */
enum bdb_table {
    BDB_API_KEY,           /* digest -> record */
    BDB_API_KEY_ID,        /* id -> digest */
    BDB_SUBSCRIPTION,      /* organization, id -> record */
    BDB_SUBSCRIPTION_NAME, /* organization, SHA-256 of the name -> id */
    BDB_ORGANIZATION,      /* organization -> configuration version, last id, number of subscriptions */
    BDB_EVENT,             /* id -> record; written once */
    BDB_DELIVERY,          /* subscription, event -> record */
    BDB_ATTEMPT,           /* subscription, event, number -> record */
    BDB_DUE,               /* subscription, due time, event -> generation, organization; the worker's, and by hand */
    BDB_IDEMPOTENCY,       /* digest -> fingerprint, end, kept answer */
    BDB_URGENT,            /* as BDB_DUE, of forced deliveries alone */
    BDB_FAILED,            /* subscription, finished, event -> nothing; of deliveries that ended in failure */
    BDB_HEALTH,            /* subscription -> since when it only fails, up to when its work is in order; the worker's */
    BDB_PROBE,             /* subscription -> record of the latest */
    BDB_PROBE_DUE,         /* subscription -> when its pending probe may be claimed, organization */
    BDB_INBOX,             /* event -> how many of its deliveries are in BDB_DUE, creation; one table a lane */
    BDB_TABLES = BDB_INBOX + BDB_LANES
};

struct bdb {
    struct store store; /* first: all that store.c sees */
    char *home;
    int format;        /* of the home when it was opened; 0: it is being made */
    bool makes_tables; /* those that are not there */
    struct gate *gate;
    DB_ENV *env;
    pthread_mutex_t mutex; /* for the members below, where they are not atomic */
    _Atomic(DB *) tables[BDB_TABLES];
    pthread_key_t lane_key; /* a thread's lane + 1 */
    atomic_uint lanes_given;
    atomic_uint intake_lane;       /* with which the next intake begins */
    struct object_id claimed_last; /* the subscription behind which the next claim goes on */
    struct object_id agenda_last;  /* likewise, where it goes by the agenda */
    struct bdb_agenda *agenda;
    int wake_fd; /* -1: not open yet */
    struct match_cache *matches;
    _Atomic(int64_t) complained_at_ms; /* bdb_pass_over; 0: never */
};

static inline struct bdb *bdb_of(struct store *store)
{
    return (struct bdb *)store;
}

/* ---- bdb_error.c ---- */

/* 0: STATUS_OK, DB_NOTFOUND: STATUS_NOT_FOUND, DB_KEYEXIST: STATUS_EXISTS, deadlocks and timeouts: STATUS_AGAIN. The
 * rest is logged, with `what` was tried. Where only recovery helps, this process is made to leave. `bdb` NULL: it was
 * not about an environment that others share. */
enum status bdb_status(struct bdb *bdb, int code, const char *what) MUST_USE;
/* A record that is not there though another names it counts as unreadable. */
bool bdb_is_unreadable(enum status status);
/* The worker leaves such a record where it is and goes on with the others. Logged at most once a minute, because it
 * comes by some times a second. */
void bdb_pass_over(struct bdb *bdb, const char *what, const struct object_id *id, enum status status);

/* ---- bdb_txn.c ---- */

enum bdb_mode {
    BDB_READ,   /* no transaction: `txn` is NULL */
    BDB_NOSYNC, /* survives a killed process */
    BDB_SYNC    /* survives a power loss */
};
/* STATUS_OK commits; any other status rolls back; STATUS_AGAIN starts anew after a pause, some two seconds long.
 * STATUS_UNKNOWN: the environment failed while a BDB_SYNC transaction was being committed. */
typedef enum status (*bdb_work)(struct bdb *bdb, DB_TXN *txn, void *context);
/* `tables`: BDB_USES of each that the transaction may be the first to touch; they are opened before it begins. Opening
 * waits for locks of its own, and one that waits in the middle of a transaction closes circles that no deadlock
 * detector sees. 0 for reads, which hold nothing while they open. */
#define BDB_USES(table) (UINT32_C(1) << (table))
#define BDB_USES_ALL (UINT32_MAX >> (32 - BDB_TABLES))
_Static_assert(BDB_TABLES <= 32, "a set of tables is the bits of a uint32_t");
enum status bdb_run(struct bdb *bdb, enum bdb_mode mode, uint32_t tables, bdb_work work, void *context) MUST_USE;

/* ---- bdb_table.c ---- */

/* Makes all tables that are not there, and puts them on disk. */
enum status bdb_tables_create(struct bdb *bdb) MUST_USE;
void bdb_tables_close(struct bdb *bdb);
/* As its file is called, less what stands behind the dot; that of BDB_INBOX for each of them. */
const char *bdb_table_name(enum bdb_table table);
/* The handle, opened by its first user. STATUS_CORRUPT where the file is not there or is something else. */
enum status bdb_table_open(struct bdb *bdb, enum bdb_table table, DB **out) MUST_USE;
/* All of a set of BDB_USES. */
enum status bdb_tables_open(struct bdb *bdb, uint32_t set) MUST_USE;

/* `flags`: DB_RMW; DB_READ_COMMITTED, which within a transaction lets the page go at once; or 0. `out` is replaced. */
enum status bdb_get(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key, u_int32_t flags,
                    struct buf *out) MUST_USE;
/* The value's first `most` bytes, or as many as it has. */
enum status bdb_get_head(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key, u_int32_t flags,
                         size_t most, struct buf *out) MUST_USE;
/* `flags`: DB_NOOVERWRITE or 0. */
enum status bdb_put(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key, struct slice value,
                    u_int32_t flags) MUST_USE;
enum status bdb_delete(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, const struct bdb_key *key) MUST_USE;

/* ---- bdb_table_file.c ---- */

/* The table's file below the home. `out` has BDB_FILE_NAME bytes. */
enum { BDB_FILE_NAME = 32 };
void bdb_table_file(enum bdb_table table, char *out);
/* Whether there is one in a store of that format. STATUS_NOT_FOUND: none, and none is missed. STATUS_CORRUPT: it is
 * lost, which is logged. */
enum status bdb_table_file_find(const char *home, int format, enum bdb_table table) MUST_USE;
/* Before a recovery, with nobody else there: it passes over a file that is lost or no table any more, and then forgets
 * what the log knows of it. STATUS_CORRUPT. A page that was not written to its end is cut off: the log has it. */
enum status bdb_table_files_check(const char *home, int format, struct failure *failure) MUST_USE;

/* ---- bdb_spread.c ---- */

/* Gives an empty table with evenly distributed keys its pages in advance. */
enum status bdb_spread(struct bdb *bdb, enum bdb_table table) MUST_USE;

/* ---- bdb_cursor.c ---- */

struct bdb_cursor {
    struct bdb *bdb;
    DBC *dbc;
    u_int32_t flags;
    bool is_for_keys;   /* the user's: values are left out */
    struct bdb_key key; /* where it stands */
    struct buf value;
};
/* `txn` NULL: only the page it stands on is locked, and only while it is open: close it before writing.
 * `flags`: DB_RMW or 0. */
enum status bdb_cursor_open(struct bdb *bdb, DB_TXN *txn, enum bdb_table table, u_int32_t flags,
                            struct bdb_cursor *out) MUST_USE;
void bdb_cursor_close(struct bdb_cursor *cursor);
/* To the first row at or behind `key`. STATUS_NOT_FOUND. */
enum status bdb_cursor_seek(struct bdb_cursor *cursor, const struct bdb_key *key) MUST_USE;
enum status bdb_cursor_next(struct bdb_cursor *cursor) MUST_USE;
/* To the last row before `key`, and on from there. STATUS_NOT_FOUND. */
enum status bdb_cursor_seek_before(struct bdb_cursor *cursor, const struct bdb_key *key) MUST_USE;
enum status bdb_cursor_previous(struct bdb_cursor *cursor) MUST_USE;

/* ---- bdb_walk.c ---- */

/* Borrows both. Any status but STATUS_OK ends the walk. */
typedef enum status (*bdb_row_visit)(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value);
/* Every row of the table in order, with nothing locked while `visit` looks at one. A row that is there all the time is
 * visited once. Returns what ended it. */
enum status bdb_walk(struct bdb *bdb, enum bdb_table table, bdb_row_visit visit, void *context) MUST_USE;
/* Some hundred rows of it, from *from on, which is moved behind them. *is_last: there is nothing behind them. */
enum status bdb_walk_page(struct bdb *bdb, enum bdb_table table, struct bdb_key *from, bdb_row_visit visit,
                          void *context, bool *is_last) MUST_USE;

/* ---- bdb_answer.c ---- */

/* STATUS_OK: nobody used the key; it is ours until the transaction ends. STATUS_REPLAY (with the kept bytes) or
 * STATUS_MISMATCH otherwise. `answer` may be NULL. */
enum status bdb_answer_begin(struct bdb *bdb, DB_TXN *txn, struct answer *answer) MUST_USE;
/* When the answer that a row keeps ends. False: it cannot be read. */
bool bdb_answer_ends(struct slice row, int64_t *expires_at_ms);
/* Renders, and keeps what was rendered. */
enum status bdb_answer_finish(struct bdb *bdb, DB_TXN *txn, struct answer *answer) MUST_USE;

/* What was kept, in a row as it is stored. STATUS_VERSION, STATUS_CORRUPT. */
enum status bdb_answer_kept(struct slice row, struct slice *out) MUST_USE;
/* The row with other kept bytes. */
void bdb_answer_keep_instead(struct slice row, struct slice kept, struct buf *out);

/* ---- bdb_log.c ---- */

/* Removes what no recovery needs any more, unless a backup copies just now. */
enum status bdb_log_trim(struct bdb *bdb) MUST_USE;
/* While the descriptor is open, nothing is removed and no other backup begins. -1: one is at it, or errno. */
int bdb_log_hold(const struct bdb *bdb);

/* ---- bdb_subscription.c, bdb_organization.c ---- */

struct bdb_key bdb_subscription_key(const struct uuid *organization_id, const struct object_id *id);
/* Tombstones too. The caller clears `out`. */
enum status bdb_subscription_read(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id,
                                  const struct object_id *id, u_int32_t flags, struct subscription *out) MUST_USE;

/* The same, as it is committed now. */
enum status bdb_subscription_look(struct bdb *bdb, const struct uuid *organization_id, const struct object_id *id,
                                  struct subscription *out) MUST_USE;

struct bdb_organization {
    uint64_t version; /* raised with every change that decides which subscriptions an event matches */
    struct object_id last_id;
    uint64_t subscription_count;
    bool is_new;
};
enum status bdb_organization_decode(struct slice row, struct bdb_organization *out) MUST_USE;
/* `flags`: DB_RMW or 0. An organization that is not there yet is empty and `is_new`. */
enum status bdb_organization_read(struct bdb *bdb, DB_TXN *txn, const struct uuid *id, u_int32_t flags,
                                  struct bdb_organization *out) MUST_USE;
enum status bdb_organization_write(struct bdb *bdb, DB_TXN *txn, const struct uuid *id,
                                   const struct bdb_organization *organization) MUST_USE;

/* ---- bdb_health.c ---- */

/* What the worker knows of a subscription. A row that is not there is all zero, and one that is all zero is not kept.
 */
struct bdb_health {
    int64_t failing_since_ms; /* 0: it is not failing */
    int64_t ordered_to_ms;    /* what was due until then stands in the order of its creation */
};
enum status bdb_health_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id, u_int32_t flags,
                            struct bdb_health *out) MUST_USE;
enum status bdb_health_write(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                             const struct bdb_health *health) MUST_USE;

/* ---- bdb_delivery.c ---- */

struct bdb_key bdb_delivery_key(const struct object_id *subscription_id, const struct object_id *event_id);
enum status bdb_delivery_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                              const struct object_id *event_id, u_int32_t flags, struct delivery *out) MUST_USE;
enum status bdb_delivery_write(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery, u_int32_t flags) MUST_USE;
/* That of the event's subscription at `index`, due at once. */
struct delivery bdb_delivery_new(const struct event *event, size_t index);
enum status bdb_attempt_write(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery,
                              const struct attempt *attempt) MUST_USE;
/* STATUS_NOT_FOUND. The caller clears `out`. */
enum status bdb_attempt_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id,
                             const struct object_id *event_id, uint32_t number, struct attempt *out) MUST_USE;
/* The first attempt that the delivery counts with that number or a later one, which *number then is, also where the
 * record cannot be read. STATUS_NOT_FOUND. The caller clears `out`. */
enum status bdb_attempt_next(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery, uint32_t *number,
                             struct attempt *out) MUST_USE;
/* Deletes up to `max` attempts of a delivery, from the oldest on, then, where none is left, the delivery itself. Adds
 * what it deleted to *rows. */
enum status bdb_delivery_forget(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery, size_t max, size_t *rows,
                                bool *is_gone) MUST_USE;
/* What deleting its subscription at that time makes of a waiting delivery, or a limit. */
void bdb_delivery_cancel(struct delivery *delivery, int64_t at_ms);

/* ---- bdb_delivery_find.c ---- */

/* A delivery as a client knows it; within a transaction for writing. One of a wide event that has no row yet is there
 * as well, as new. *is_gone: its subscription is; where it waited, it is CANCELLED in `out`. STATUS_NOT_FOUND also for
 * another organization's. */
enum status bdb_delivery_find(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id,
                              const struct object_id *subscription_id, const struct object_id *event_id,
                              struct delivery *out, bool *is_gone) MUST_USE;
/* STATUS_NOT_FOUND for a deleted one, too. A transaction does not hold it. */
enum status bdb_subscription_expect(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id,
                                    const struct object_id *id) MUST_USE;

/* ---- bdb_wake.c ---- */

/* Tells whoever listens that there is work. */
void bdb_wake(struct bdb *bdb);

#include "store/bdb/bdb_verbs.h"

#endif
