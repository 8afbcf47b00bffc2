/* The retry loop. Readers and writers of one page wait for each other; where they would wait in a circle, Berkeley DB
 * picks a victim, which rolls back here, pauses for a random moment and starts anew. */
#include "store/bdb/bdb.h"

#include "base/clock.h"
#include "base/crypto.h"

enum { RETRY_FOR_MS = 2000, PAUSE_MAX_MS = 64, LONG_WAIT_MS = 1000 };

/* A commit that fails for want of space is taken back: Berkeley DB makes sure that its record does not reach the log.
 * One that fails because only recovery helps may have got that far, and recovery then completes it: nobody may be told
 * that nothing was changed. bdb_status makes this process leave. (What is not synced promises nobody anything: it is
 * the worker's, which begins anew.) */
static enum status txn_commit(struct bdb *bdb, DB_TXN *txn, enum bdb_mode mode)
{
    int code = txn->commit(txn, 0);
    enum status status = bdb_status(bdb, code, "commit");
    return code == DB_RUNRECOVERY && mode == BDB_SYNC ? STATUS_UNKNOWN : status;
}

static enum status txn_end(struct bdb *bdb, DB_TXN *txn, enum bdb_mode mode, enum status status)
{
    if (status == STATUS_OK)
        return txn_commit(bdb, txn, mode);
    enum status aborted = bdb_status(bdb, txn->abort(txn), "abort");
    return aborted == STATUS_OK ? status : aborted;
}

static enum status run_work(struct bdb *bdb, enum bdb_mode mode, bdb_work work, void *context)
{
    if (gate_is_leaving(bdb->gate))
        return STATUS_UNAVAILABLE;
    if (mode == BDB_READ)
        return work(bdb, NULL, context);
    DB_TXN *txn;
    u_int32_t flags = mode == BDB_SYNC ? DB_TXN_SYNC : DB_TXN_WRITE_NOSYNC;
    enum status status = bdb_status(bdb, bdb->env->txn_begin(bdb->env, NULL, &txn, flags), "begin");
    return status == STATUS_OK ? txn_end(bdb, txn, mode, work(bdb, txn, context)) : status;
}

/* A deadlock is found at once: who waited long did so for a process that is slow, or that stands still. */
static enum status run_once(struct bdb *bdb, enum bdb_mode mode, bdb_work work, void *context)
{
    int64_t start_ms = clock_monotonic_ms();
    enum status status = run_work(bdb, mode, work, context);
    if (status == STATUS_AGAIN && clock_monotonic_ms() - start_ms >= LONG_WAIT_MS)
        gate_end_stopped(bdb->gate);
    return status;
}

/* 1 ms to `bound_ms`. */
static int64_t random_pause_ms(unsigned bound_ms)
{
    unsigned number;
    crypto_random(&number, sizeof number);
    return 1 + (int64_t)(number % bound_ms);
}

static enum status run_again(struct bdb *bdb, enum bdb_mode mode, bdb_work work, void *context)
{
    enum status status = STATUS_AGAIN;
    int64_t end_ms = clock_monotonic_ms() + RETRY_FOR_MS;
    unsigned bound_ms = 1;
    while (status == STATUS_AGAIN && clock_monotonic_ms() < end_ms) {
        clock_sleep_ms(random_pause_ms(bound_ms));
        if (bound_ms < PAUSE_MAX_MS)
            bound_ms *= 2;
        status = run_once(bdb, mode, work, context);
    }
    return status;
}

enum status bdb_run(struct bdb *bdb, enum bdb_mode mode, uint32_t tables, bdb_work work, void *context)
{
    enum status status = gate_is_leaving(bdb->gate) ? STATUS_UNAVAILABLE : bdb_tables_open(bdb, tables);
    if (status == STATUS_OK)
        status = run_once(bdb, mode, work, context);
    return status == STATUS_AGAIN ? run_again(bdb, mode, work, context) : status;
}
