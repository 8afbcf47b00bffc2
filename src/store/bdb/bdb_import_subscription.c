/* A subscription that comes in: its record, and what stands beside it, its name, the organization's version and count,
 * and what is known of its health. A later version replaces an earlier one, and nothing else is replaced. */
#include "store/bdb/bdb_import.h"
#include "store/bdb/bdb_probe.h"
#include "store/bdb/bdb_subscription.h"

/* What is sealed in it, under the first key while the record's page is held: as bdb_reseal.c expects of all writers. */
static enum status seal_anew(const struct keyring *keyring, struct subscription *subscription)
{
    char id[OBJECT_ID_TEXT];
    bool has_changed;
    enum status status = STATUS_OK;
    object_id_format(&subscription->id, id);
    if (subscription->sealed_headers.length > 0)
        status = keyring_reseal(keyring, slice_of(id), &subscription->sealed_headers, &has_changed);
    for (size_t i = 0; i < subscription->secrets.count && status == STATUS_OK; i++)
        status = keyring_reseal(keyring, slice_of(id), &subscription->secrets.items[i].sealed, &has_changed);
    return status;
}

/* `before`: a tombstone where there was none. */
static enum status follow_organization(struct bdb *bdb, DB_TXN *txn, const struct subscription *before,
                                       const struct subscription *after)
{
    struct bdb_organization organization;
    enum status status = bdb_organization_read(bdb, txn, &after->organization_id, DB_RMW, &organization);
    if (status != STATUS_OK)
        return status;
    organization.version++;
    if (object_id_compare(&after->id, &organization.last_id) > 0)
        organization.last_id = after->id;
    if (before->is_deleted && !after->is_deleted)
        organization.subscription_count++;
    else if (!before->is_deleted && after->is_deleted && organization.subscription_count > 0)
        organization.subscription_count--;
    return bdb_organization_write(bdb, txn, &after->organization_id, &organization);
}

static enum status follow_name(struct bdb *bdb, DB_TXN *txn, const struct subscription *before,
                               const struct subscription *after)
{
    if (!before->is_deleted)
        return bdb_subscription_name_change(bdb, txn, before, after);
    return after->is_deleted ? STATUS_OK : bdb_subscription_name_take(bdb, txn, after);
}

static enum status follow_health(struct bdb *bdb, DB_TXN *txn, const struct export_record *item)
{
    struct bdb_health health;
    enum status status = bdb_health_read(bdb, txn, &item->subscription.id, DB_RMW, &health);
    if (status != STATUS_OK || health.failing_since_ms == item->failing_since_ms)
        return status;
    health.failing_since_ms = item->failing_since_ms;
    return bdb_health_write(bdb, txn, &item->subscription.id, &health);
}

static enum status put(struct bdb *bdb, DB_TXN *txn, struct export_record *item, const struct subscription *before)
{
    struct subscription *after = &item->subscription;
    enum status status = seal_anew(bdb->store.keyring, after);
    if (status == STATUS_OK)
        status = follow_organization(bdb, txn, before, after);
    if (status == STATUS_OK)
        status = follow_name(bdb, txn, before, after);
    if (status == STATUS_OK)
        status = bdb_subscription_write(bdb, txn, after);
    return status == STATUS_OK && !after->is_deleted ? follow_health(bdb, txn, item) : status;
}

/* Nothing brings a tombstone back to life. */
static enum import_outcome judge(const struct subscription *before, const struct subscription *after)
{
    if (before->version == after->version && before->updated_at_ms == after->updated_at_ms)
        return IMPORT_SAME;
    return before->version >= after->version || before->is_deleted ? IMPORT_KEPT : IMPORT_UPDATED;
}

enum status bdb_import_subscription(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                    enum import_outcome *outcome)
{
    const struct subscription *after = &item->subscription;
    struct subscription before = {.is_deleted = true};
    (void)now_ms;
    enum status status = bdb_subscription_read(bdb, txn, &after->organization_id, &after->id, DB_RMW, &before);
    if (status == STATUS_OK)
        *outcome = judge(&before, after);
    else if (status == STATUS_NOT_FOUND)
        *outcome = IMPORT_ADDED;
    else
        return status;
    bool writes = *outcome == IMPORT_ADDED || *outcome == IMPORT_UPDATED;
    status = writes ? put(bdb, txn, item, &before) : STATUS_OK;
    subscription_clear(&before);
    return status;
}

/* ---- its probe ---- */

enum status bdb_import_probe(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                             enum import_outcome *outcome)
{
    const struct probe *probe = &item->probe;
    struct probe before;
    (void)now_ms;
    enum status status = bdb_subscription_expect(bdb, txn, &probe->organization_id, &probe->subscription_id);
    if (status == STATUS_NOT_FOUND) {
        *outcome = IMPORT_LEFT_OUT;
        return STATUS_OK;
    }
    if (status == STATUS_OK)
        status = bdb_probe_read(bdb, txn, &probe->subscription_id, DB_RMW, &before);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *outcome = status == STATUS_NOT_FOUND ? IMPORT_ADDED : IMPORT_UPDATED;
    if (status == STATUS_OK && probe->generation <= before.generation &&
        probe->requested_at_ms <= before.requested_at_ms)
        *outcome = probe->generation == before.generation && probe->requested_at_ms == before.requested_at_ms
                       ? IMPORT_SAME
                       : IMPORT_KEPT;
    bool writes = *outcome == IMPORT_ADDED || *outcome == IMPORT_UPDATED;
    return writes ? bdb_probe_write(bdb, txn, probe) : STATUS_OK;
}
