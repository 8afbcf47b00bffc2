/* What is known of an organization as a whole. It is written by what changes who gets which events, and by nothing that
 * is frequent: rotations and publishing leave it alone. */
#include "store/bdb/bdb.h"

enum { ORGANIZATION_VERSION = 1, ORGANIZATION_BYTES = 1 + 8 + OBJECT_ID_BYTES + 8 };

static struct bdb_key key_of(const struct uuid *id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, id->bytes, sizeof id->bytes);
    return key;
}

enum status bdb_organization_decode(struct slice row, struct bdb_organization *out)
{
    if (row.length >= 1 && (unsigned char)row.data[0] > ORGANIZATION_VERSION)
        return STATUS_VERSION;
    if (row.length != ORGANIZATION_BYTES)
        return STATUS_CORRUPT;
    *out = (struct bdb_organization){.version = bytes_get(row.data + 1, 8)};
    memcpy(out->last_id.bytes, row.data + 9, OBJECT_ID_BYTES);
    out->subscription_count = bytes_get(row.data + 9 + OBJECT_ID_BYTES, 8);
    return STATUS_OK;
}

enum status bdb_organization_read(struct bdb *bdb, DB_TXN *txn, const struct uuid *id, u_int32_t flags,
                                  struct bdb_organization *out)
{
    struct buf row = {0};
    struct bdb_key key = key_of(id);
    enum status status = bdb_get(bdb, txn, BDB_ORGANIZATION, &key, flags, &row);
    if (status == STATUS_OK)
        status = bdb_organization_decode(buf_slice(&row), out);
    else if (status == STATUS_NOT_FOUND) {
        *out = (struct bdb_organization){.is_new = true};
        status = STATUS_OK;
    }
    buf_clear(&row);
    return status;
}

enum status bdb_organization_write(struct bdb *bdb, DB_TXN *txn, const struct uuid *id,
                                   const struct bdb_organization *organization)
{
    struct buf row = {0};
    struct bdb_key key = key_of(id);
    bdb_value_add_number(&row, 1, ORGANIZATION_VERSION);
    bdb_value_add_number(&row, 8, organization->version);
    buf_append(&row, organization->last_id.bytes, OBJECT_ID_BYTES);
    bdb_value_add_number(&row, 8, organization->subscription_count);
    u_int32_t flags = organization->is_new ? DB_NOOVERWRITE : 0;
    enum status status = bdb_put(bdb, txn, BDB_ORGANIZATION, &key, buf_slice(&row), flags);
    buf_clear(&row);
    return status == STATUS_EXISTS ? STATUS_AGAIN : status; /* another one made it first */
}
