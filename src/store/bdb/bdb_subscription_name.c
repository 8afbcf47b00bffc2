/* Unique names, and the comparison that says whether an organization's configuration version must rise. */
#include "store/bdb/bdb_subscription.h"

static struct bdb_key key_of(const struct subscription *subscription)
{
    unsigned char digest[SHA256_BYTES];
    struct bdb_key key = {.length = 0};
    crypto_sha256(subscription->name, strlen(subscription->name), digest);
    bdb_key_add(&key, subscription->organization_id.bytes, sizeof subscription->organization_id.bytes);
    bdb_key_add(&key, digest, sizeof digest);
    return key;
}

enum status bdb_subscription_name_take(struct bdb *bdb, DB_TXN *txn, const struct subscription *subscription)
{
    struct bdb_key key = key_of(subscription);
    struct slice id = {(const char *)subscription->id.bytes, sizeof subscription->id.bytes};
    return bdb_put(bdb, txn, BDB_SUBSCRIPTION_NAME, &key, id, DB_NOOVERWRITE);
}

enum status bdb_subscription_name_change(struct bdb *bdb, DB_TXN *txn, const struct subscription *before,
                                         const struct subscription *after)
{
    if (!after->is_deleted && strcmp(before->name, after->name) == 0)
        return STATUS_OK;
    struct bdb_key key = key_of(before);
    enum status status = bdb_delete(bdb, txn, BDB_SUBSCRIPTION_NAME, &key);
    if (status == STATUS_NOT_FOUND)
        status = STATUS_CORRUPT; /* a record without its name's row */
    return status == STATUS_OK && !after->is_deleted ? bdb_subscription_name_take(bdb, txn, after) : status;
}

bool bdb_subscription_matching_differs(const struct subscription *before, const struct subscription *after)
{
    return before->is_deleted != after->is_deleted || !text_list_equals(&before->events, &after->events) ||
           !text_list_equals(&before->agent_ids, &after->agent_ids) ||
           !text_list_equals(&before->workspace_ids, &after->workspace_ids);
}
