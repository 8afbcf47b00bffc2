/* The ends of leases: settlements, and claims that are handed back. Both are fenced: they change a delivery only while
 * it waits, under the generation that the claim was given. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"

#include <stdlib.h>

#include "base/mem.h"
#include "model/health.h"

_Static_assert((int)STORE_SETTLE_MAX <= (int)BDB_STEP_MAX, "a batch goes into one transaction");

#define SETTLE_TABLES                                                                                                  \
    (BDB_USES(BDB_DUE) | BDB_USES(BDB_URGENT) | BDB_USES(BDB_FAILED) | BDB_USES(BDB_DELIVERY) | BDB_USES(BDB_ATTEMPT))

static bool holds(const struct claim *claim, const struct delivery *delivery, int64_t now_ms)
{
    return delivery->status == DELIVERY_WAITING && delivery->generation == claim->generation &&
           now_ms < delivery->lease_until_ms;
}

/* Reads the delivery for writing. *is_held: the claim still counts; then its row in the order of work is gone. */
static enum status take_back(struct bdb *bdb, DB_TXN *txn, const struct claim *claim, int64_t now_ms,
                             struct delivery *out, bool *is_held)
{
    enum status status = bdb_delivery_read(bdb, txn, &claim->subscription_id, &claim->event_id, DB_RMW, out);
    *is_held = status == STATUS_OK && holds(claim, out, now_ms);
    if (!*is_held)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    struct bdb_due lease = bdb_due_of(out);
    return bdb_due_delete(bdb, txn, &lease);
}

/* Writes the delivery without its lease, and its new place: in the order of work where it waits on, among those that
 * can be recovered where it failed. */
static enum status put_back(struct bdb *bdb, DB_TXN *txn, struct delivery *delivery)
{
    delivery->generation++;
    delivery->lease_until_ms = 0;
    enum status status = bdb_delivery_write(bdb, txn, delivery, 0);
    if (status == STATUS_OK && delivery->status == DELIVERY_FAILED)
        return bdb_failed_put(bdb, txn, delivery);
    if (status != STATUS_OK || delivery->status != DELIVERY_WAITING)
        return status;
    struct bdb_due due = bdb_due_of(delivery);
    return bdb_due_put(bdb, txn, &due);
}

/* ---- settlements ---- */

/* A subscription that settlements of one transaction are of. */
struct party {
    struct object_id id;
    bool is_deleted;
    int64_t deleted_at_ms;
    int64_t activated_at_ms;
    bool has_succeeded; /* in this transaction */
    bool has_failed;
    int64_t failing_since_ms; /* out */
};

struct settling {
    int64_t now_ms;
    struct settlement *settlements; /* of one transaction */
    size_t count;
    struct party parties[BDB_STEP_MAX];
    size_t party_count;
    size_t party_of[BDB_STEP_MAX]; /* of each settlement */
};

static void apply(const struct settling *settling, const struct settlement *settlement, const struct party *party,
                  struct delivery *delivery)
{
    delivery->attempt_count++;
    delivery->budget_used++;
    if (party->is_deleted) {
        bdb_delivery_cancel(delivery, party->deleted_at_ms);
        return;
    }
    bool waits = settlement->status == DELIVERY_WAITING;
    delivery->status = settlement->status;
    delivery->next_attempt_at_ms = waits ? settlement->due_at_ms : 0;
    delivery->finished_at_ms = waits ? 0 : settling->now_ms;
}

static enum status settle_one(struct bdb *bdb, DB_TXN *txn, struct settling *settling, size_t index)
{
    struct settlement *settlement = &settling->settlements[index];
    struct party *party = &settling->parties[settling->party_of[index]];
    struct delivery delivery;
    settlement->was_applied = false;
    enum status status = take_back(bdb, txn, &settlement->claim, settling->now_ms, &delivery, &settlement->was_applied);
    if (status != STATUS_OK || !settlement->was_applied)
        return status;
    apply(settling, settlement, party, &delivery);
    party->has_succeeded |= settlement->status == DELIVERY_DELIVERED;
    party->has_failed |= settlement->status != DELIVERY_DELIVERED;
    status = bdb_attempt_write(bdb, txn, &delivery, &settlement->attempt);
    if (status == STATUS_OK)
        status = put_back(bdb, txn, &delivery);
    if (status == STATUS_OK && delivery.status == DELIVERY_FAILED)
        status = bdb_notice_put(bdb, txn, settlement->notice);
    return status;
}

/* Without a lock for writing: nothing is written as long as the subscription goes on as before. */
static enum status note_health(struct bdb *bdb, DB_TXN *txn, int64_t now_ms, struct party *party)
{
    struct bdb_health health;
    enum status status = bdb_health_read(bdb, txn, &party->id, 0, &health);
    if (status != STATUS_OK)
        return status;
    party->failing_since_ms =
        health_failing_since(health.failing_since_ms, party->activated_at_ms, party->has_succeeded, now_ms);
    if (party->failing_since_ms == health.failing_since_ms)
        return STATUS_OK;
    health.failing_since_ms = party->failing_since_ms;
    return bdb_health_write(bdb, txn, &party->id, &health);
}

static enum status note_all_health(struct bdb *bdb, DB_TXN *txn, struct settling *settling)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < settling->party_count && status == STATUS_OK; i++) {
        struct party *party = &settling->parties[i];
        if (!party->is_deleted && (party->has_succeeded || party->has_failed))
            status = note_health(bdb, txn, settling->now_ms, party);
    }
    return status;
}

static enum status settle_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct settling *settling = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < settling->party_count; i++) {
        settling->parties[i].has_succeeded = settling->parties[i].has_failed = false;
        settling->parties[i].failing_since_ms = 0;
    }
    for (size_t i = 0; i < settling->count && status == STATUS_OK; i++)
        status = settle_one(bdb, txn, settling, i);
    return status == STATUS_OK ? note_all_health(bdb, txn, settling) : status;
}

/* ---- before the transaction: while it runs, rotations must not wait for it, nor it for them ---- */

static enum status read_party(struct bdb *bdb, DB_TXN *txn, const struct claim *claim, struct party *out)
{
    struct subscription subscription = {0};
    enum status status =
        bdb_subscription_read(bdb, txn, &claim->organization_id, &claim->subscription_id, 0, &subscription);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *out = (struct party){.id = claim->subscription_id,
                          .is_deleted = subscription.is_deleted,
                          .deleted_at_ms = subscription.updated_at_ms,
                          .activated_at_ms = subscription.activated_at_ms};
    subscription_clear(&subscription);
    return STATUS_OK;
}

static size_t find_party(const struct settling *settling, const struct object_id *id)
{
    size_t i = 0;
    while (i < settling->party_count && object_id_compare(&settling->parties[i].id, id) != 0)
        i++;
    return i;
}

static enum status parties_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct settling *settling = context;
    settling->party_count = 0;
    for (size_t i = 0; i < settling->count; i++) {
        const struct claim *claim = &settling->settlements[i].claim;
        size_t found = find_party(settling, &claim->subscription_id);
        settling->party_of[i] = found;
        if (found < settling->party_count)
            continue;
        enum status status = read_party(bdb, txn, claim, &settling->parties[found]);
        if (status != STATUS_OK)
            return status;
        settling->party_count++;
    }
    return STATUS_OK;
}

static enum status match_notices(struct bdb *bdb, const struct settling *settling, uint32_t *tables)
{
    struct event *notices[BDB_STEP_MAX];
    for (size_t i = 0; i < settling->count; i++)
        notices[i] = settling->settlements[i].notice;
    enum status status = bdb_notices_match(bdb, notices, settling->count);
    *tables = 0;
    for (size_t i = 0; i < settling->count; i++)
        *tables |= bdb_notice_tables(notices[i]);
    return status;
}

/* ---- the verb ---- */

static void report_health(const struct settling *settling)
{
    for (size_t i = 0; i < settling->count; i++)
        settling->settlements[i].failing_since_ms = settling->parties[settling->party_of[i]].failing_since_ms;
}

static enum status settle_some(struct bdb *bdb, struct settling *settling)
{
    uint32_t notice_tables;
    enum status status = bdb_run(bdb, BDB_READ, 0, parties_work, settling);
    if (status == STATUS_OK)
        status = match_notices(bdb, settling, &notice_tables);
    if (status != STATUS_OK)
        return status;
    status = bdb_run(bdb, BDB_NOSYNC, SETTLE_TABLES | BDB_USES(BDB_HEALTH) | notice_tables, settle_work, settling);
    if (status != STATUS_OK)
        return status;
    report_health(settling);
    if (notice_tables != 0)
        bdb_wake(bdb);
    return STATUS_OK;
}

enum status bdb_settle(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count)
{
    struct settling *settling = mem_calloc(1, sizeof *settling);
    enum status status = STATUS_OK;
    for (size_t done = 0; done < count; done++)
        settlements[done].was_applied = false;
    for (size_t done = 0; done < count && status == STATUS_OK; done += BDB_STEP_MAX) {
        settling->now_ms = now_ms;
        settling->settlements = settlements + done;
        settling->count = count - done < BDB_STEP_MAX ? count - done : BDB_STEP_MAX;
        status = settle_some(bdb_of(store), settling);
    }
    free(settling);
    return status;
}

/* ---- releases ---- */

struct releasing {
    int64_t now_ms;
    const struct claim *claims; /* of one transaction */
    size_t count;
};

static enum status release_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct releasing *releasing = context;
    enum status status = STATUS_OK;
    for (size_t i = 0; i < releasing->count && status == STATUS_OK; i++) {
        struct delivery delivery;
        bool is_held;
        status = take_back(bdb, txn, &releasing->claims[i], releasing->now_ms, &delivery, &is_held);
        if (status == STATUS_OK && is_held) /* its time has not changed, so it keeps its place among the others */
            status = put_back(bdb, txn, &delivery);
    }
    return status;
}

enum status bdb_release(struct store *store, int64_t now_ms, const struct claim *claims, size_t count)
{
    enum status status = STATUS_OK;
    for (size_t done = 0; done < count && status == STATUS_OK; done += BDB_STEP_MAX) {
        size_t some = count - done < BDB_STEP_MAX ? count - done : BDB_STEP_MAX;
        struct releasing releasing = {now_ms, claims + done, some};
        status = bdb_run(bdb_of(store), BDB_NOSYNC, SETTLE_TABLES, release_work, &releasing);
    }
    return status;
}
