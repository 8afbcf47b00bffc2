/* Probes as the API sees them: one record a subscription, the latest. A pending one has a row in BDB_PROBE_DUE as well,
 * so that a worker finds what is pending without looking at what is done. */
#include "store/bdb/bdb_probe.h"

#include "base/clock.h"
#include "model/record.h"

#define REQUEST_TABLES                                                                                                 \
    (BDB_USES(BDB_SUBSCRIPTION) | BDB_USES(BDB_IDEMPOTENCY) | BDB_USES(BDB_PROBE) | BDB_USES(BDB_PROBE_DUE))

/* ---- the record ---- */

static struct bdb_key key_of(const struct object_id *subscription_id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, subscription_id->bytes, sizeof subscription_id->bytes);
    return key;
}

enum status bdb_probe_read(struct bdb *bdb, DB_TXN *txn, const struct object_id *subscription_id, u_int32_t flags,
                           struct probe *out)
{
    struct buf record = {0};
    struct bdb_key key = key_of(subscription_id);
    struct probe found = {.subscription_id = *subscription_id};
    enum status status = bdb_get(bdb, txn, BDB_PROBE, &key, flags, &record);
    if (status == STATUS_OK)
        status = probe_decode(buf_slice(&record), &found);
    if (status == STATUS_OK)
        *out = found;
    buf_clear(&record);
    return status;
}

enum status bdb_probe_write(struct bdb *bdb, DB_TXN *txn, const struct probe *probe)
{
    struct buf record = {0};
    struct bdb_key key = key_of(&probe->subscription_id);
    probe_encode(probe, &record);
    enum status status = bdb_put(bdb, txn, BDB_PROBE, &key, buf_slice(&record), 0);
    buf_clear(&record);
    if (status != STATUS_OK)
        return status;
    struct bdb_probe_due due = {probe->subscription_id, probe->organization_id, probe->lease_until_ms};
    return probe->status == PROBE_PENDING ? bdb_probe_due_put(bdb, txn, &due) : bdb_probe_due_delete(bdb, txn, &due);
}

/* ---- request and get ---- */

struct lookup {
    const struct uuid *organization_id;
    const struct object_id *id;
    struct probe *out;
    struct answer *answer;
};

/* STATUS_NOT_FOUND, also for tombstones. */
static enum status see_subscription(struct bdb *bdb, DB_TXN *txn, const struct lookup *lookup, bool *is_signed)
{
    struct subscription subscription;
    enum status status = bdb_subscription_read(bdb, txn, lookup->organization_id, lookup->id, 0, &subscription);
    if (status != STATUS_OK)
        return status;
    *is_signed = subscription.secrets.count > 0;
    status = subscription.is_deleted ? STATUS_NOT_FOUND : STATUS_OK;
    subscription_clear(&subscription);
    return status;
}

/* The generation goes on from the last one's, so that whoever still works on that cannot end this one. */
static enum status ask(struct bdb *bdb, DB_TXN *txn, struct lookup *lookup)
{
    struct probe last = {.generation = 0};
    enum status status = bdb_probe_read(bdb, txn, lookup->id, DB_RMW, &last);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *lookup->out = last;
    if (status == STATUS_OK && last.status == PROBE_PENDING)
        return STATUS_OK;
    *lookup->out = (struct probe){.subscription_id = *lookup->id,
                                  .organization_id = *lookup->organization_id,
                                  .status = PROBE_PENDING,
                                  .generation = last.generation + 1,
                                  .requested_at_ms = clock_now_ms()};
    return bdb_probe_write(bdb, txn, lookup->out);
}

static enum status request_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct lookup *lookup = context;
    bool is_signed = false;
    enum status status = bdb_answer_begin(bdb, txn, lookup->answer);
    if (status == STATUS_OK)
        status = see_subscription(bdb, txn, lookup, &is_signed);
    if (status == STATUS_OK)
        status = is_signed ? ask(bdb, txn, lookup) : STATUS_CONFLICT;
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, lookup->answer) : status;
}

enum status bdb_probe_request(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                              struct probe *out, struct answer *answer)
{
    struct lookup lookup = {organization_id, id, out, answer};
    enum status status = bdb_run(bdb_of(store), BDB_SYNC, REQUEST_TABLES, request_work, &lookup);
    if (status == STATUS_OK)
        bdb_wake(bdb_of(store));
    return status;
}

/* A pending probe of a subscription that is not signed any more is over, though its turn has not come yet. */
static enum status get_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    struct probe found;
    bool is_signed = false;
    enum status status = see_subscription(bdb, txn, lookup, &is_signed);
    if (status == STATUS_OK)
        status = bdb_probe_read(bdb, txn, lookup->id, 0, &found);
    if (status != STATUS_OK)
        return status;
    if (found.status == PROBE_VOID || (found.status == PROBE_PENDING && !is_signed))
        return STATUS_NOT_FOUND;
    *lookup->out = found;
    return STATUS_OK;
}

enum status bdb_probe_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                          struct probe *out)
{
    struct lookup lookup = {organization_id, id, out, NULL};
    return bdb_run(bdb_of(store), BDB_READ, 0, get_work, &lookup);
}
