/* API keys: found by the digest of what a client sends, listed and revoked by their ids. */
#include "store/bdb/bdb_import.h"

#include "model/record.h"

static struct bdb_key digest_key(const unsigned char *digest)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, digest, SHA256_BYTES);
    return key;
}

static struct bdb_key id_key(const struct object_id *id)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, id->bytes, sizeof id->bytes);
    return key;
}

enum status bdb_api_key_read(struct bdb *bdb, DB_TXN *txn, const unsigned char *digest, u_int32_t flags,
                             struct api_key *out)
{
    struct buf record = {0};
    struct bdb_key key = digest_key(digest);
    enum status status = bdb_get(bdb, txn, BDB_API_KEY, &key, flags, &record);
    if (status == STATUS_OK)
        status = api_key_decode(buf_slice(&record), out);
    buf_clear(&record);
    return status;
}

enum status bdb_api_key_write(struct bdb *bdb, DB_TXN *txn, const struct api_key *api_key, u_int32_t flags)
{
    struct buf record = {0};
    struct bdb_key key = digest_key(api_key->digest);
    api_key_encode(api_key, &record);
    enum status status = bdb_put(bdb, txn, BDB_API_KEY, &key, buf_slice(&record), flags);
    buf_clear(&record);
    return status;
}

/* ---- put ---- */

enum status bdb_api_key_add(struct bdb *bdb, DB_TXN *txn, const struct api_key *api_key)
{
    struct slice digest = {(const char *)api_key->digest, sizeof api_key->digest};
    struct bdb_key key = id_key(&api_key->id);
    enum status status = bdb_put(bdb, txn, BDB_API_KEY_ID, &key, digest, DB_NOOVERWRITE);
    return status == STATUS_OK ? bdb_api_key_write(bdb, txn, api_key, DB_NOOVERWRITE) : status;
}

static enum status put_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    return bdb_api_key_add(bdb, txn, context);
}

enum status bdb_api_key_put(struct store *store, const struct api_key *key)
{
    struct api_key copy = *key;
    return bdb_run(bdb_of(store), BDB_SYNC, BDB_USES(BDB_API_KEY) | BDB_USES(BDB_API_KEY_ID), put_work, &copy);
}

/* ---- find ---- */

struct find {
    const unsigned char *digest;
    struct api_key *out;
};

static enum status find_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct find *find = context;
    return bdb_api_key_read(bdb, txn, find->digest, 0, find->out);
}

enum status bdb_api_key_find(struct store *store, const unsigned char *digest, struct api_key *out)
{
    struct find find = {digest, out};
    return bdb_run(bdb_of(store), BDB_READ, 0, find_work, &find);
}

/* ---- walk ---- */

/* Read in pages, so that nothing is locked while the caller prints. */
enum { WALK_PAGE = 64 };

struct page {
    struct object_id from; /* inclusive */
    struct api_key keys[WALK_PAGE];
    size_t count;
};

static void page_clear(struct page *page)
{
    for (size_t i = 0; i < page->count; i++)
        api_key_clear(&page->keys[i]);
    page->count = 0;
}

/* The digests of a page of ids, in order. */
static enum status collect_digests(struct bdb *bdb, const struct object_id *from,
                                   unsigned char digests[WALK_PAGE][SHA256_BYTES], size_t *count)
{
    struct bdb_cursor cursor;
    enum status status = bdb_cursor_open(bdb, NULL, BDB_API_KEY_ID, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    struct bdb_key start = id_key(from);
    status = bdb_cursor_seek(&cursor, &start);
    for (*count = 0; status == STATUS_OK && *count < WALK_PAGE; status = bdb_cursor_next(&cursor)) {
        if (cursor.value.length != SHA256_BYTES) {
            status = STATUS_CORRUPT;
            break;
        }
        memcpy(digests[(*count)++], cursor.value.data, SHA256_BYTES);
    }
    bdb_cursor_close(&cursor);
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status page_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct page *page = context;
    unsigned char digests[WALK_PAGE][SHA256_BYTES];
    size_t count = 0;
    page_clear(page);
    enum status status = collect_digests(bdb, &page->from, digests, &count);
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        status = bdb_api_key_read(bdb, txn, digests[i], 0, &page->keys[page->count]);
        if (status == STATUS_OK)
            page->count++;
    }
    return status;
}

enum status bdb_api_key_walk(struct store *store, bool (*visit)(void *context, const struct api_key *key),
                             void *context)
{
    struct page page = {.count = 0};
    enum status status;
    bool goes_on = true;
    do {
        status = bdb_run(bdb_of(store), BDB_READ, 0, page_work, &page);
        for (size_t i = 0; i < page.count && status == STATUS_OK && goes_on; i++)
            goes_on = visit(context, &page.keys[i]);
        if (page.count < WALK_PAGE)
            goes_on = false;
        else
            page.from = page.keys[page.count - 1].id;
        object_id_increment(&page.from);
        page_clear(&page);
    } while (status == STATUS_OK && goes_on);
    return status;
}

/* ---- revoke ---- */

struct revocation {
    const struct object_id *id;
    int64_t now_ms;
};

static enum status find_digest(struct bdb *bdb, DB_TXN *txn, const struct object_id *id, u_int32_t flags,
                               struct buf *out)
{
    struct bdb_key key = id_key(id);
    enum status status = bdb_get(bdb, txn, BDB_API_KEY_ID, &key, flags, out);
    return status == STATUS_OK && out->length != SHA256_BYTES ? STATUS_CORRUPT : status;
}

static enum status revoke_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct revocation *revocation = context;
    struct buf digest = {0};
    struct api_key api_key;
    enum status status = find_digest(bdb, txn, revocation->id, 0, &digest);
    if (status == STATUS_OK)
        status = bdb_api_key_read(bdb, txn, (const unsigned char *)digest.data, DB_RMW, &api_key);
    buf_clear(&digest);
    if (status != STATUS_OK)
        return status;
    if (api_key.revoked_at_ms == 0) {
        api_key.revoked_at_ms = revocation->now_ms;
        status = bdb_api_key_write(bdb, txn, &api_key, 0);
    }
    api_key_clear(&api_key);
    return status;
}

enum status bdb_api_key_revoke(struct store *store, const struct object_id *id, int64_t now_ms)
{
    struct revocation revocation = {id, now_ms};
    return bdb_run(bdb_of(store), BDB_SYNC, BDB_USES(BDB_API_KEY) | BDB_USES(BDB_API_KEY_ID), revoke_work, &revocation);
}

/* ---- delete ---- */

static enum status delete_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct object_id *id = context;
    struct buf digest = {0};
    struct bdb_key key = id_key(id);
    enum status status = find_digest(bdb, txn, id, DB_RMW, &digest);
    if (status == STATUS_OK)
        status = bdb_delete(bdb, txn, BDB_API_KEY_ID, &key);
    if (status == STATUS_OK) {
        key = digest_key((const unsigned char *)digest.data);
        status = bdb_delete(bdb, txn, BDB_API_KEY, &key);
    }
    buf_clear(&digest);
    return status;
}

enum status bdb_api_key_delete(struct store *store, const struct object_id *id)
{
    struct object_id copy = *id;
    return bdb_run(bdb_of(store), BDB_SYNC, BDB_USES(BDB_API_KEY) | BDB_USES(BDB_API_KEY_ID), delete_work, &copy);
}
