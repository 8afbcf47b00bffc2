/* Subscriptions: the record, its unique name, and the organization's configuration version. Every change is one pure
 * function of the caller's, applied while the record is held for writing. */
#include "store/bdb/bdb_event.h"
#include "store/bdb/bdb_import.h"
#include "store/bdb/bdb_subscription.h"

#include "base/clock.h"
#include "model/record.h"

/* Of every change, whatever it is of. */
#define SUBSCRIPTION_TABLES                                                                                            \
    (BDB_USES(BDB_SUBSCRIPTION) | BDB_USES(BDB_SUBSCRIPTION_NAME) | BDB_USES(BDB_ORGANIZATION) |                       \
     BDB_USES(BDB_IDEMPOTENCY))

struct bdb_key bdb_subscription_key(const struct uuid *organization_id, const struct object_id *id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, organization_id->bytes, sizeof organization_id->bytes);
    bdb_key_add(&key, id->bytes, sizeof id->bytes);
    return key;
}

enum status bdb_subscription_read(struct bdb *bdb, DB_TXN *txn, const struct uuid *organization_id,
                                  const struct object_id *id, u_int32_t flags, struct subscription *out)
{
    struct buf record = {0};
    struct bdb_key key = bdb_subscription_key(organization_id, id);
    enum status status = bdb_get(bdb, txn, BDB_SUBSCRIPTION, &key, flags, &record);
    if (status == STATUS_OK)
        status = subscription_decode(buf_slice(&record), out);
    buf_clear(&record);
    return status;
}

enum status bdb_subscription_write(struct bdb *bdb, DB_TXN *txn, const struct subscription *subscription)
{
    struct buf record = {0};
    struct bdb_key key = bdb_subscription_key(&subscription->organization_id, &subscription->id);
    subscription_encode(subscription, &record);
    enum status status = bdb_put(bdb, txn, BDB_SUBSCRIPTION, &key, buf_slice(&record), 0);
    buf_clear(&record);
    return status;
}

/* ---- look and get ---- */

struct lookup {
    const struct uuid *organization_id;
    const struct object_id *id;
    struct subscription *out;
};

static enum status look_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_subscription_read(bdb, txn, lookup->organization_id, lookup->id, 0, lookup->out);
}

enum status bdb_subscription_look(struct bdb *bdb, const struct uuid *organization_id, const struct object_id *id,
                                  struct subscription *out)
{
    struct lookup lookup = {organization_id, id, out};
    return bdb_run(bdb, BDB_READ, 0, look_work, &lookup);
}

static enum status get_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    struct subscription found;
    enum status status = bdb_subscription_read(bdb, txn, lookup->organization_id, lookup->id, 0, &found);
    if (status != STATUS_OK)
        return status;
    if (found.is_deleted) {
        subscription_clear(&found);
        return STATUS_NOT_FOUND;
    }
    *lookup->out = found;
    return STATUS_OK;
}

enum status bdb_subscription_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                 struct subscription *out)
{
    struct lookup lookup = {organization_id, id, out};
    return bdb_run(bdb_of(store), BDB_READ, 0, get_work, &lookup);
}

/* ---- create ---- */

struct creation {
    const struct uuid *organization_id;
    size_t max_subscriptions;
    struct change *change;
};

/* Gives the new record its id, which no other of the organization's is behind, and counts it. */
static enum status take_place(struct bdb *bdb, DB_TXN *txn, const struct creation *creation, int64_t now_ms,
                              struct object_id *id)
{
    struct bdb_organization organization;
    enum status status = bdb_organization_read(bdb, txn, creation->organization_id, DB_RMW, &organization);
    if (status != STATUS_OK)
        return status;
    if (organization.subscription_count >= creation->max_subscriptions)
        return STATUS_LIMIT;
    object_id_make(now_ms, id);
    if (object_id_compare(id, &organization.last_id) <= 0) {
        *id = organization.last_id;
        object_id_increment(id);
    }
    organization.last_id = *id;
    organization.subscription_count++;
    organization.version++;
    return bdb_organization_write(bdb, txn, creation->organization_id, &organization);
}

/* Locks the page that the new record goes to: what `apply` seals is then sealed with nobody reading behind its back
 * (bdb_reseal.c). */
static enum status hold_place(struct bdb *bdb, DB_TXN *txn, const struct subscription *fresh)
{
    struct buf nothing = {0};
    struct bdb_key key = bdb_subscription_key(&fresh->organization_id, &fresh->id);
    enum status status = bdb_get(bdb, txn, BDB_SUBSCRIPTION, &key, DB_RMW, &nothing);
    buf_clear(&nothing);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status == STATUS_OK ? STATUS_EXISTS : status;
}

static enum status create_record(struct bdb *bdb, DB_TXN *txn, const struct creation *creation)
{
    int64_t now_ms = clock_now_ms();
    struct subscription fresh = {
        .organization_id = *creation->organization_id, .version = 1, .created_at_ms = now_ms, .updated_at_ms = now_ms};
    enum status status = take_place(bdb, txn, creation, now_ms, &fresh.id);
    if (status == STATUS_OK)
        status = hold_place(bdb, txn, &fresh);
    if (status == STATUS_OK)
        status = creation->change->apply(creation->change->context, now_ms, &fresh);
    if (status == STATUS_OK)
        status = bdb_subscription_name_take(bdb, txn, &fresh);
    if (status == STATUS_OK)
        status = bdb_subscription_write(bdb, txn, &fresh);
    subscription_clear(&fresh);
    return status;
}

static enum status create_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct creation *creation = context;
    enum status status = bdb_answer_begin(bdb, txn, creation->change->answer);
    if (status == STATUS_OK)
        status = create_record(bdb, txn, creation);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, creation->change->answer) : status;
}

enum status bdb_subscription_create(struct store *store, const struct uuid *organization_id, size_t max_subscriptions,
                                    struct change *change)
{
    struct creation creation = {organization_id, max_subscriptions, change};
    return bdb_run(bdb_of(store), BDB_SYNC, SUBSCRIPTION_TABLES, create_work, &creation);
}

/* ---- update ---- */

struct update {
    const struct uuid *organization_id;
    const struct object_id *id;
    struct change *change;
};

/* No change is dated before what the record says has happened already. */
static int64_t time_for(const struct subscription *subscription)
{
    int64_t now_ms = clock_now_ms();
    if (now_ms < subscription->updated_at_ms)
        now_ms = subscription->updated_at_ms;
    if (subscription->secrets.count > 0 && now_ms < subscription->secrets.items[0].created_at_ms)
        now_ms = subscription->secrets.items[0].created_at_ms;
    return now_ms;
}

/* What stands beside the record and follows from it. */
static enum status follow(struct bdb *bdb, DB_TXN *txn, const struct subscription *before,
                          const struct subscription *after)
{
    enum status status = STATUS_OK;
    if (bdb_subscription_matching_differs(before, after)) {
        struct bdb_organization organization;
        status = bdb_organization_read(bdb, txn, &after->organization_id, DB_RMW, &organization);
        if (status == STATUS_OK) {
            organization.version++;
            organization.subscription_count -= after->is_deleted && organization.subscription_count > 0;
            status = bdb_organization_write(bdb, txn, &after->organization_id, &organization);
        }
    }
    return status == STATUS_OK ? bdb_subscription_name_change(bdb, txn, before, after) : status;
}

static enum status change_record(struct bdb *bdb, DB_TXN *txn, struct change *change, struct slice stored)
{
    struct subscription before = {0};
    struct subscription after = {0};
    enum status status = subscription_decode(stored, &before);
    if (status == STATUS_OK && before.is_deleted)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = subscription_decode(stored, &after);
    if (status == STATUS_OK) {
        after.version++;
        change->is_unchanged = false;
        status = change->apply(change->context, time_for(&before), &after);
    }
    bool has_changed = status == STATUS_OK && !change->is_unchanged;
    if (has_changed)
        status = follow(bdb, txn, &before, &after);
    if (has_changed && status == STATUS_OK)
        status = bdb_subscription_write(bdb, txn, &after);
    if (has_changed && status == STATUS_OK)
        status = bdb_notice_put(bdb, txn, change->notice);
    subscription_clear(&after);
    subscription_clear(&before);
    return status;
}

static enum status update_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct update *update = context;
    struct buf stored = {0};
    struct bdb_key key = bdb_subscription_key(update->organization_id, update->id);
    enum status status = bdb_answer_begin(bdb, txn, update->change->answer);
    if (status == STATUS_OK)
        status = bdb_get(bdb, txn, BDB_SUBSCRIPTION, &key, DB_RMW, &stored);
    if (status == STATUS_OK)
        status = change_record(bdb, txn, update->change, buf_slice(&stored));
    buf_clear(&stored);
    return status == STATUS_OK ? bdb_answer_finish(bdb, txn, update->change->answer) : status;
}

enum status bdb_subscription_update(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                    struct change *change)
{
    struct bdb *bdb = bdb_of(store);
    struct update update = {organization_id, id, change};
    enum status status = bdb_notices_match(bdb, &change->notice, 1);
    if (status != STATUS_OK)
        return status;
    uint32_t notice_tables = bdb_notice_tables(change->notice);
    status = bdb_run(bdb, BDB_SYNC, SUBSCRIPTION_TABLES | notice_tables, update_work, &update);
    if (status == STATUS_OK && notice_tables != 0)
        bdb_wake(bdb);
    return status;
}
