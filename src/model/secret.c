/* Signing secrets and their rotation. The API rotates with these rules while the store holds the record; the worker
 * asks them which secrets sign an attempt. Nothing here looks at the clock. */
#include "model/secret.h"

#include <assert.h>
#include <string.h>

#include "base/encoding.h"

#define SECRET_PREFIX "whsec_"
enum { SECRET_RANDOM_BYTES = 30, SECRET_PREFIX_LENGTH = sizeof SECRET_PREFIX - 1, SECRET_LENGTH = SECRET_TEXT - 1 };

void secret_make(char out[SECRET_TEXT])
{
    unsigned char random[SECRET_RANDOM_BYTES];
    crypto_random(random, sizeof random);
    memcpy(out, SECRET_PREFIX, SECRET_PREFIX_LENGTH);
    base64_encode(random, sizeof random, out + SECRET_PREFIX_LENGTH);
    crypto_cleanse(random, sizeof random);
}

void secret_seal(const struct keyring *keyring, const char *subscription_id, const char text[SECRET_TEXT],
                 int64_t now_ms, struct secret *out)
{
    assert(strlen(text) == SECRET_LENGTH);
    memset(out, 0, sizeof *out);
    out->created_at_ms = now_ms;
    crypto_sha256(text, SECRET_LENGTH, out->digest);
    keyring_seal(keyring, slice_of(subscription_id), (struct slice){text, SECRET_LENGTH}, &out->sealed);
}

/* The digest is compared as well: it is what clients see as the fingerprint, so the two must not drift apart. */
static bool is_text_of(const struct secret *secret, const struct buf *text)
{
    unsigned char digest[SHA256_BYTES];
    if (text->length != SECRET_LENGTH)
        return false;
    crypto_sha256(text->data, text->length, digest);
    return crypto_equal(digest, secret->digest, sizeof digest);
}

enum status secret_unseal(const struct keyring *keyring, const char *subscription_id, const struct secret *secret,
                          char out[SECRET_TEXT])
{
    struct buf text = {0};
    enum status status = keyring_unseal(keyring, slice_of(subscription_id), buf_slice(&secret->sealed), &text);
    if (status == STATUS_OK && !is_text_of(secret, &text))
        status = STATUS_CORRUPT;
    if (status == STATUS_OK)
        memcpy(out, text.data, SECRET_TEXT);
    buf_clear(&text);
    return status;
}

void secret_clear(struct secret *secret)
{
    buf_clear(&secret->sealed);
    memset(secret, 0, sizeof *secret);
}

void secret_list_clear(struct secret_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        secret_clear(&list->items[i]);
    list->count = 0;
}

void secret_fingerprint(const struct secret *secret, char out[SECRET_FINGERPRINT])
{
    hex_encode(secret->digest, (SECRET_FINGERPRINT - 1) / 2, out);
}

/* created_at_ms plays no part: a secret that is not born yet by the attempt's time counts as valid. */
bool secret_is_valid(const struct secret *secret, int64_t now_ms)
{
    return secret->expires_at_ms == 0 || now_ms < secret->expires_at_ms;
}

size_t secret_list_valid_count(const struct secret_list *list, int64_t now_ms)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += secret_is_valid(&list->items[i], now_ms);
    return count;
}

size_t secret_list_previous_count(const struct secret_list *list, int64_t now_ms)
{
    size_t count = 0;
    for (size_t i = 1; i < list->count; i++)
        count += secret_is_valid(&list->items[i], now_ms);
    return count;
}

/* A maximum, not the second item's: with a shorter grace configured since, an older secret may end later. */
int64_t secret_list_previous_expires_at(const struct secret_list *list, int64_t now_ms)
{
    int64_t latest = 0;
    for (size_t i = 1; i < list->count; i++) {
        const struct secret *secret = &list->items[i];
        if (secret_is_valid(secret, now_ms) && secret->expires_at_ms > latest)
            latest = secret->expires_at_ms;
    }
    return latest;
}

/* Looks at all of them, whichever fits, so that the time taken says nothing. */
const struct secret *secret_list_find(const struct secret_list *list, const unsigned char *digest, int64_t now_ms)
{
    const struct secret *found = NULL;
    for (size_t i = 0; i < list->count; i++) {
        const struct secret *secret = &list->items[i];
        if (crypto_equal(secret->digest, digest, SHA256_BYTES) && secret_is_valid(secret, now_ms))
            found = secret;
    }
    return found;
}

static bool has_lingered(const struct secret *secret, int64_t now_ms)
{
    return secret->expires_at_ms != 0 && now_ms - secret->expires_at_ms >= SECRET_LINGER_MS;
}

static void drop(struct secret_list *list, size_t index)
{
    secret_clear(&list->items[index]);
    list->count--;
    memmove(&list->items[index], &list->items[index + 1], (list->count - index) * sizeof list->items[0]);
}

/* Room for one more: what has lingered goes, and of what still lingers the oldest. Valid ones are too few to be in the
 * way. */
static void drop_ended(struct secret_list *list, int64_t now_ms)
{
    for (size_t i = list->count; i-- > 0;) {
        bool is_full = list->count == SECRETS_STORED_MAX;
        if (has_lingered(&list->items[i], now_ms) || (is_full && !secret_is_valid(&list->items[i], now_ms)))
            drop(list, i);
    }
}

/* Everything is decided before anything is changed. */
enum status secret_list_rotate(struct secret_list *list, struct secret *fresh, int64_t now_ms, int64_t grace_ms,
                               int64_t *previous_expires_at_ms)
{
    if (list->count == 0)
        return STATUS_CONFLICT;
    size_t valid = 1 + (size_t)(grace_ms > 0) + secret_list_previous_count(list, now_ms);
    if (valid > SECRETS_VALID_MAX)
        return STATUS_LIMIT;

    drop_ended(list, now_ms);
    memmove(&list->items[1], &list->items[0], list->count * sizeof list->items[0]);
    list->count++;
    list->items[0] = *fresh;
    memset(fresh, 0, sizeof *fresh);
    list->items[0].expires_at_ms = 0;
    list->items[1].expires_at_ms = now_ms + grace_ms;
    *previous_expires_at_ms = list->items[1].expires_at_ms;
    return STATUS_OK;
}

enum status secret_list_revoke(struct secret_list *list, int64_t now_ms, size_t *revoked)
{
    if (list->count == 0)
        return STATUS_CONFLICT;
    *revoked = secret_list_previous_count(list, now_ms);
    while (list->count > 1)
        drop(list, list->count - 1);
    return STATUS_OK;
}
