/* The master key: read from its file when the store opens, used for every secret at rest, and followed when a new key
 * is put in front. */
#include "base/keyring.h"

#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/keyring_file.h"
#include "base/log.h"
#include "base/mem.h"

enum {
    BLOB_FORMAT = 1,
    BLOB_HEAD = 1 + KEY_NAME_BYTES + AEAD_NONCE_BYTES,
    COMPLAIN_EVERY_MS = 60000 /* about a file that cannot be read any more */
};

/* What changes under the hands of a ring that its users hold for reading. */
struct ring {
    pthread_rwlock_t lock;
    struct key_list keys; /* those of the file, then those that have left it */
    size_t in_file;
    struct stat file; /* as it was read */
    int64_t complained_at_ms;
};

struct keyring {
    char *path;
    struct ring *ring;
};

/* ---- life ---- */

enum status keyring_create(const char *path, struct failure *failure)
{
    struct key_list keys = {0};
    key_list_add_new(&keys);
    enum status status = key_list_create(path, &keys, failure);
    key_list_clear(&keys);
    return status;
}

enum status keyring_open(const char *path, struct keyring **out, struct failure *failure)
{
    struct ring *ring = mem_calloc(1, sizeof *ring);
    enum status status = key_list_read(path, &ring->keys, &ring->file, failure);
    if (status != STATUS_OK) {
        free(ring);
        return status;
    }
    ring->in_file = ring->keys.count;
    ring->complained_at_ms = INT64_MIN;
    pthread_rwlock_init(&ring->lock, NULL);
    struct keyring *keyring = mem_calloc(1, sizeof *keyring);
    keyring->path = mem_strdup(path);
    keyring->ring = ring;
    *out = keyring;
    return STATUS_OK;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    key_list_clear(&keyring->ring->keys);
    pthread_rwlock_destroy(&keyring->ring->lock);
    free(keyring->ring);
    free(keyring->path);
    free(keyring);
}

/* ---- following the file ---- */

static bool is_same_file(const struct stat *a, const struct stat *b)
{
    return a->st_dev == b->st_dev && a->st_ino == b->st_ino && a->st_size == b->st_size &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

/* What is in memory goes on being used. */
static void complain(struct ring *ring, const struct failure *failure)
{
    int64_t now_ms = clock_monotonic_ms();
    if (ring->complained_at_ms != INT64_MIN && now_ms - ring->complained_at_ms < COMPLAIN_EVERY_MS)
        return;
    ring->complained_at_ms = now_ms;
    log_error("master_key_unreadable", LOG_TEXT("cause", failure->text));
}

static void take_keys(struct ring *ring, struct key_list *keys, const struct stat *file)
{
    struct key_list before = ring->keys;
    ring->file = *file;
    ring->in_file = keys->count;
    key_list_join(keys, &before);
    ring->keys = *keys;
    key_list_clear(&before);
}

/* Under the lock: of two who read, the later one must not be overtaken by what the earlier one read. A file that could
 * not be read is looked at again the next time. */
static enum status read_anew(const struct keyring *keyring, struct failure *failure)
{
    struct ring *ring = keyring->ring;
    struct stat file;
    struct key_list keys = {0};
    pthread_rwlock_wrlock(&ring->lock);
    enum status status = key_list_read(keyring->path, &keys, &file, failure);
    if (status == STATUS_OK) {
        take_keys(ring, &keys, &file);
    } else {
        key_list_clear(&keys);
        complain(ring, failure);
    }
    pthread_rwlock_unlock(&ring->lock);
    return status;
}

enum status keyring_read_anew(const struct keyring *keyring, struct failure *failure)
{
    return read_anew(keyring, failure);
}

/* A file that is gone changes nothing. */
static void follow(const struct keyring *keyring)
{
    struct stat now;
    if (stat(keyring->path, &now) != 0)
        return;
    pthread_rwlock_rdlock(&keyring->ring->lock);
    bool is_same = is_same_file(&keyring->ring->file, &now);
    pthread_rwlock_unlock(&keyring->ring->lock);
    struct failure failure;
    if (!is_same)
        (void)read_anew(keyring, &failure); /* which has been logged */
}

/* ---- its keys ---- */

void keyring_fingerprint(const struct keyring *keyring, char out[KEYRING_FINGERPRINT])
{
    pthread_rwlock_rdlock(&keyring->ring->lock);
    hex_encode(keyring->ring->keys.items[0].digest, (KEYRING_FINGERPRINT - 1) / 2, out);
    pthread_rwlock_unlock(&keyring->ring->lock);
}

void keyring_digest(const struct keyring *keyring, unsigned char out[SHA256_BYTES])
{
    follow(keyring);
    pthread_rwlock_rdlock(&keyring->ring->lock);
    memcpy(out, keyring->ring->keys.items[0].digest, SHA256_BYTES);
    pthread_rwlock_unlock(&keyring->ring->lock);
}

static bool find_digest(struct ring *ring, const unsigned char *digest, bool *is_first)
{
    pthread_rwlock_rdlock(&ring->lock);
    const struct key *key = key_list_find(&ring->keys, digest);
    bool is_there = key && memcmp(key->digest, digest, SHA256_BYTES) == 0;
    if (is_there)
        *is_first = key == ring->keys.items;
    pthread_rwlock_unlock(&ring->lock);
    return is_there;
}

bool keyring_has_digest(const struct keyring *keyring, const unsigned char digest[SHA256_BYTES], bool *is_first)
{
    if (find_digest(keyring->ring, digest, is_first))
        return true;
    follow(keyring);
    return find_digest(keyring->ring, digest, is_first);
}

size_t keyring_count(const struct keyring *keyring)
{
    pthread_rwlock_rdlock(&keyring->ring->lock);
    size_t count = keyring->ring->in_file;
    pthread_rwlock_unlock(&keyring->ring->lock);
    return count;
}

bool keyring_has(const struct keyring *keyring, const char *name)
{
    unsigned char bytes[KEY_NAME_BYTES];
    if (strlen(name) != KEYRING_NAME - 1 || hex_decode(name, bytes, sizeof bytes) != STATUS_OK)
        return false;
    pthread_rwlock_rdlock(&keyring->ring->lock);
    bool is_there = key_list_find(&keyring->ring->keys, bytes) != NULL;
    pthread_rwlock_unlock(&keyring->ring->lock);
    return is_there;
}

/* ---- blobs ---- */

static bool is_blob(struct slice sealed)
{
    return sealed.length >= BLOB_HEAD + AEAD_TAG_BYTES && (unsigned char)sealed.data[0] == BLOB_FORMAT;
}

static const unsigned char *name_in(struct slice sealed)
{
    return (const unsigned char *)sealed.data + 1;
}

bool keyring_blob_name(struct slice sealed, char out[KEYRING_NAME])
{
    if (!is_blob(sealed))
        return false;
    hex_encode(name_in(sealed), KEY_NAME_BYTES, out);
    return true;
}

static void seal_with(const struct key *key, struct slice aad, struct slice plain, struct buf *out)
{
    buf_reserve(out, BLOB_HEAD + plain.length + AEAD_TAG_BYTES);
    unsigned char *blob = (unsigned char *)out->data + out->length;
    unsigned char *nonce = blob + 1 + KEY_NAME_BYTES;
    blob[0] = BLOB_FORMAT;
    memcpy(blob + 1, key->digest, KEY_NAME_BYTES);
    crypto_random(nonce, AEAD_NONCE_BYTES);
    crypto_aead_seal(key->bytes, nonce, aad.data, aad.length, plain.data, plain.length, blob + BLOB_HEAD);
    out->length += BLOB_HEAD + plain.length + AEAD_TAG_BYTES;
    out->data[out->length] = '\0';
}

void keyring_seal(const struct keyring *keyring, struct slice aad, struct slice plain, struct buf *out)
{
    follow(keyring);
    pthread_rwlock_rdlock(&keyring->ring->lock);
    seal_with(&keyring->ring->keys.items[0], aad, plain, out);
    pthread_rwlock_unlock(&keyring->ring->lock);
}

static enum status unseal_with(const struct key *key, struct slice aad, struct slice sealed, struct buf *out)
{
    const unsigned char *blob = (const unsigned char *)sealed.data;
    size_t length = sealed.length - BLOB_HEAD;
    buf_reserve(out, length);
    enum status status = crypto_aead_open(key->bytes, blob + 1 + KEY_NAME_BYTES, aad.data, aad.length, blob + BLOB_HEAD,
                                          length, (unsigned char *)out->data + out->length);
    if (status == STATUS_OK)
        out->length += length - AEAD_TAG_BYTES;
    out->data[out->length] = '\0';
    return status;
}

/* STATUS_NOT_FOUND: the ring has no such key. */
static enum status try_unseal(struct ring *ring, struct slice aad, struct slice sealed, struct buf *out)
{
    pthread_rwlock_rdlock(&ring->lock);
    const struct key *key = key_list_find(&ring->keys, name_in(sealed));
    enum status status = key ? unseal_with(key, aad, sealed, out) : STATUS_NOT_FOUND;
    pthread_rwlock_unlock(&ring->lock);
    return status;
}

enum status keyring_unseal(const struct keyring *keyring, struct slice aad, struct slice sealed, struct buf *out)
{
    if (!is_blob(sealed))
        return STATUS_CORRUPT;
    enum status status = try_unseal(keyring->ring, aad, sealed, out);
    if (status == STATUS_NOT_FOUND) {
        follow(keyring);
        status = try_unseal(keyring->ring, aad, sealed, out);
    }
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

static bool is_sealed_anew(struct ring *ring, struct slice sealed)
{
    pthread_rwlock_rdlock(&ring->lock);
    bool is_current = memcmp(ring->keys.items[0].digest, name_in(sealed), KEY_NAME_BYTES) == 0;
    pthread_rwlock_unlock(&ring->lock);
    return is_current;
}

enum status keyring_reseal(const struct keyring *keyring, struct slice aad, struct buf *sealed, bool *has_changed)
{
    *has_changed = false;
    if (!is_blob(buf_slice(sealed)))
        return STATUS_CORRUPT;
    follow(keyring);
    if (is_sealed_anew(keyring->ring, buf_slice(sealed)))
        return STATUS_OK;
    struct buf plain = {0};
    enum status status = keyring_unseal(keyring, aad, buf_slice(sealed), &plain);
    if (status == STATUS_OK) {
        buf_reset(sealed);
        keyring_seal(keyring, aad, buf_slice(&plain), sealed);
        *has_changed = true;
    }
    buf_clear(&plain);
    return status;
}

/* ---- changing the file ---- */

enum status keyring_file_add(const char *path, struct failure *failure)
{
    struct key_list keys = {0}, before = {0};
    struct stat file;
    enum status status = key_list_read(path, &before, &file, failure);
    if (status == STATUS_OK) {
        key_list_add_new(&keys);
        key_list_join(&keys, &before);
        status = key_list_replace(path, &keys, failure);
    }
    key_list_clear(&keys);
    key_list_clear(&before);
    return status;
}

enum status keyring_file_prune(const char *path, struct failure *failure)
{
    struct key_list keys = {0};
    struct stat file;
    enum status status = key_list_read(path, &keys, &file, failure);
    if (status == STATUS_OK && keys.count > 1) {
        struct key_list first = {0}, sealing = {keys.items, 1};
        key_list_join(&first, &sealing);
        status = key_list_replace(path, &first, failure);
        key_list_clear(&first);
    }
    key_list_clear(&keys);
    return status;
}

enum status keyring_file_join(const char *path, const char *from, struct failure *failure)
{
    struct key_list keys = {0}, more = {0};
    struct stat file;
    enum status status = key_list_read(from, &more, &file, failure);
    if (status == STATUS_OK)
        status = key_list_read(path, &keys, &file, failure);
    if (status == STATUS_NOT_FOUND && more.count > 0)
        status = STATUS_OK;
    if (status == STATUS_OK) {
        key_list_join(&keys, &more);
        status = key_list_replace(path, &keys, failure);
    }
    key_list_clear(&keys);
    key_list_clear(&more);
    return status;
}

enum status keyring_file_copy(const char *path, const char *from, struct failure *failure)
{
    struct key_list keys = {0};
    struct stat file;
    enum status status = key_list_read(from, &keys, &file, failure);
    if (status == STATUS_OK)
        status = key_list_replace(path, &keys, failure);
    key_list_clear(&keys);
    return status;
}

enum status keyring_save(const struct keyring *keyring, const char *path, struct failure *failure)
{
    struct key_list keys = {0};
    follow(keyring);
    pthread_rwlock_rdlock(&keyring->ring->lock);
    key_list_join(&keys, &keyring->ring->keys);
    pthread_rwlock_unlock(&keyring->ring->lock);
    enum status status = key_list_create(path, &keys, failure);
    key_list_clear(&keys);
    return status;
}
