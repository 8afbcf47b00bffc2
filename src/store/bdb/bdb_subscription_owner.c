/* Whose subscription it is, for commands: they know an id and no organization. One look into each organization. */
#include "store/bdb/bdb.h"

struct lookup {
    const struct object_id *id;
    struct uuid organization_id; /* looked into now; in the end, whose it is */
};

static enum status look_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_subscription_expect(bdb, txn, &lookup->organization_id, lookup->id);
}

/* STATUS_EXISTS ends the walk. */
static enum status look_into(struct bdb *bdb, void *context, const struct bdb_key *key, struct slice value)
{
    struct lookup *lookup = context;
    (void)value;
    if (key->length != UUID_BYTES)
        return STATUS_CORRUPT;
    memcpy(lookup->organization_id.bytes, key->bytes, UUID_BYTES);
    enum status status = bdb_run(bdb, BDB_READ, 0, look_work, lookup);
    if (status == STATUS_OK)
        return STATUS_EXISTS;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

enum status bdb_subscription_owner(struct store *store, const struct object_id *id, struct uuid *organization_id)
{
    struct lookup lookup = {.id = id};
    enum status status = bdb_walk(bdb_of(store), BDB_ORGANIZATION, look_into, &lookup);
    if (status == STATUS_EXISTS)
        *organization_id = lookup.organization_id;
    if (status == STATUS_OK || status == STATUS_EXISTS)
        return status == STATUS_OK ? STATUS_NOT_FOUND : STATUS_OK;
    return status;
}
