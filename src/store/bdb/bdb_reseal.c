/* Sealing anew what is sealed under another key than the first: subscriptions' secrets and headers, and kept answers. A
 * table is read with nothing locked; what has to be changed is collected and then, in transactions of bounded size,
 * read again for writing and changed. A row's reader waits for whoever is changing the row just then, and who changes
 * it later seals later. */
#include "store/bdb/bdb.h"

#include "model/record.h"

/* What one table's rows are made of: seals `row` anew, as `out`. STATUS_CORRUPT: something in it cannot be read; what
 * can be is sealed anew all the same. */
typedef enum status (*reseal_row)(const struct keyring *keyring, const struct bdb_key *key, struct slice row,
                                  struct buf *out, bool *has_changed);

struct resealing {
    struct bdb *bdb;
    const struct store_progress *progress;
    struct store_rekey *out;
    enum bdb_table table;
    reseal_row reseal;
    struct bdb_key keys[BDB_STEP_MAX]; /* of rows that have to be changed */
    size_t count;
    uint64_t seen;
    uint64_t changed; /* by the transaction under way */
};

/* ---- rows ---- */

static enum status reseal_blob(const struct keyring *keyring, struct slice place, struct buf *sealed, bool *has_changed)
{
    bool changed = false;
    enum status status = sealed->length == 0 ? STATUS_OK : keyring_reseal(keyring, place, sealed, &changed);
    *has_changed = *has_changed || changed;
    return status;
}

static enum status reseal_subscription(const struct keyring *keyring, const struct bdb_key *key, struct slice row,
                                       struct buf *out, bool *has_changed)
{
    struct subscription subscription;
    char id[OBJECT_ID_TEXT];
    (void)key;
    enum status status = subscription_decode(row, &subscription);
    if (status != STATUS_OK)
        return status;
    object_id_format(&subscription.id, id);
    enum status worst = reseal_blob(keyring, slice_of(id), &subscription.sealed_headers, has_changed);
    for (size_t i = 0; i < subscription.secrets.count; i++) {
        status = reseal_blob(keyring, slice_of(id), &subscription.secrets.items[i].sealed, has_changed);
        worst = status == STATUS_OK ? worst : status;
    }
    subscription_encode(&subscription, out);
    subscription_clear(&subscription);
    return worst;
}

static enum status reseal_answer(const struct keyring *keyring, const struct bdb_key *key, struct slice row,
                                 struct buf *out, bool *has_changed)
{
    struct slice kept;
    struct buf sealed = {0};
    enum status status = bdb_answer_kept(row, &kept);
    if (status != STATUS_OK)
        return status;
    buf_append_slice(&sealed, kept);
    status = reseal_blob(keyring, (struct slice){(const char *)key->bytes, key->length}, &sealed, has_changed);
    bdb_answer_keep_instead(row, buf_slice(&sealed), out);
    buf_clear(&sealed);
    return status;
}

/* ---- steps ---- */

static enum status change_row(struct bdb *bdb, DB_TXN *txn, struct resealing *resealing, const struct bdb_key *key)
{
    struct buf row = {0}, fresh = {0};
    bool has_changed = false;
    enum status status = bdb_get(bdb, txn, resealing->table, key, DB_RMW, &row);
    if (status == STATUS_OK) {
        (void)resealing->reseal(bdb->store.keyring, key, buf_slice(&row), &fresh, &has_changed);
        if (has_changed)
            status = bdb_put(bdb, txn, resealing->table, key, buf_slice(&fresh), 0);
    }
    resealing->changed += status == STATUS_OK && has_changed;
    buf_clear(&row);
    buf_clear(&fresh);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status; /* gone meanwhile */
}

static enum status change_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct resealing *resealing = context;
    enum status status = STATUS_OK;
    resealing->changed = 0;
    for (size_t i = 0; i < resealing->count && status == STATUS_OK; i++)
        status = change_row(bdb, txn, resealing, &resealing->keys[i]);
    return status;
}

static enum status change_collected(struct resealing *resealing)
{
    enum status status = STATUS_OK;
    if (resealing->count > 0)
        status = bdb_run(resealing->bdb, BDB_NOSYNC, BDB_USES(resealing->table), change_work, resealing);
    if (status != STATUS_OK)
        return status;
    resealing->out->records += resealing->count > 0 ? resealing->changed : 0;
    resealing->count = 0;
    return resealing->progress->report(resealing->progress->context, "sealing anew", resealing->out->records, 0)
               ? STATUS_OK
               : STATUS_CONFLICT;
}

static enum status visit(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    enum { LOOK_UP_EVERY = 4096 };
    struct resealing *resealing = context;
    struct buf fresh = {0};
    bool has_changed = false;
    enum status status = resealing->reseal(bdb->store.keyring, key, value, &fresh, &has_changed);
    buf_clear(&fresh);
    if (status == STATUS_VERSION)
        return status;
    resealing->out->unreadable += status != STATUS_OK;
    if (has_changed)
        resealing->keys[resealing->count++] = *key;
    bool is_due = resealing->count == BDB_STEP_MAX || ++resealing->seen % LOOK_UP_EVERY == 0;
    return is_due ? change_collected(resealing) : STATUS_OK;
}

static void explain(enum status status, struct failure *failure)
{
    if (status == STATUS_CONFLICT)
        failure_set(failure, "stopped before it was done; run it again, and it goes on");
    else if (status == STATUS_VERSION)
        failure_set(failure, "the store holds records of a newer hookturn: use that version");
    else
        failure_set(failure,
                    "cannot seal everything anew (%s): both keys stay in the file; run it again, and it goes on",
                    status_name(status));
}

static const struct {
    enum bdb_table table;
    reseal_row reseal;
} sealed_tables[] = {{BDB_SUBSCRIPTION, reseal_subscription}, {BDB_IDEMPOTENCY, reseal_answer}};
enum { SEALED_TABLES = sizeof sealed_tables / sizeof sealed_tables[0] };

enum status bdb_reseal(struct store *store, const struct store_progress *progress, struct store_rekey *out,
                       struct failure *failure)
{
    struct bdb *bdb = bdb_of(store);
    struct resealing resealing = {.bdb = bdb, .progress = progress, .out = out};
    enum status status = STATUS_OK;
    for (size_t i = 0; i < SEALED_TABLES && status == STATUS_OK; i++) {
        resealing.table = sealed_tables[i].table;
        resealing.reseal = sealed_tables[i].reseal;
        status = bdb_walk(bdb, resealing.table, visit, &resealing);
        if (status == STATUS_OK)
            status = change_collected(&resealing);
    }
    if (status == STATUS_OK)
        status = bdb_status(bdb, bdb->env->log_flush(bdb->env, NULL), "log");
    if (status != STATUS_OK)
        explain(status, failure);
    return status;
}
