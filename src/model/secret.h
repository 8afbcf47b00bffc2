/* Signing secrets and their rotation: which of them are valid when. Pure; times come from the caller. */
#ifndef HOOKTURN_MODEL_SECRET_H
#define HOOKTURN_MODEL_SECRET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/keyring.h"
#include "base/status.h"

enum {
    SECRET_TEXT = 47,        /* "whsec_" + 40 characters of base64 + NUL */
    SECRET_FINGERPRINT = 13, /* 12 hex digits + NUL */
    SECRETS_VALID_MAX = 8,   /* a rotation that would make more is refused */
    SECRETS_STORED_MAX = 16  /* valid ones and those that ended less than SECRET_LINGER_MS ago */
};
/* A secret stays readable this long after its end, so that an attempt that started before it can still sign with it. */
#define SECRET_LINGER_MS INT64_C(10000)

/* As stored: the text is sealed, only its digest is in clear. */
struct secret {
    int64_t created_at_ms;
    int64_t expires_at_ms;              /* 0: the newest one, which has no end */
    unsigned char digest[SHA256_BYTES]; /* of the whole text */
    struct buf sealed;                  /* keyring_seal(text), associated data: the subscription id's 24 digits */
};

/* Newest first. `{0}`: unsigned. */
struct secret_list {
    struct secret items[SECRETS_STORED_MAX];
    size_t count;
};

/* `whsec_` and the base64 of 30 bytes from the system's random source. Cleanse `out` after use. */
void secret_make(char out[SECRET_TEXT]);
/* Fills `out` from the text; `subscription_id` is its 24 digits. Clear with secret_clear. */
void secret_seal(const struct keyring *keyring, const char *subscription_id, const char text[SECRET_TEXT],
                 int64_t now_ms, struct secret *out);
/* The text; STATUS_CORRUPT where it does not open. Cleanse `out` after use. */
enum status secret_unseal(const struct keyring *keyring, const char *subscription_id, const struct secret *secret,
                          char out[SECRET_TEXT]) MUST_USE;
void secret_clear(struct secret *secret);
void secret_list_clear(struct secret_list *list);
void secret_fingerprint(const struct secret *secret, char out[SECRET_FINGERPRINT]);

/* Valid from its creation until, and not at, expires_at_ms. A secret whose created_at_ms is later than `now_ms` counts
 * as valid: the attempt took its time a moment before the rotation that it then read. */
bool secret_is_valid(const struct secret *secret, int64_t now_ms);
size_t secret_list_valid_count(const struct secret_list *list, int64_t now_ms);
/* Valid secrets behind the newest. */
size_t secret_list_previous_count(const struct secret_list *list, int64_t now_ms);
/* The latest end among the valid previous ones; 0 where there is none. */
int64_t secret_list_previous_expires_at(const struct secret_list *list, int64_t now_ms);
/* The valid secret with that digest, or NULL. Constant-time comparison. */
const struct secret *secret_list_find(const struct secret_list *list, const unsigned char *digest, int64_t now_ms);

/* Puts `fresh` in front (moved: `fresh` is empty afterwards); the one that was newest ends at now_ms + grace_ms, set in
 * *previous_expires_at_ms; windows promised earlier stay. Drops what ended SECRET_LINGER_MS ago, sooner where room is
 * needed. STATUS_CONFLICT: the list is empty (unsigned). STATUS_LIMIT: more than SECRETS_VALID_MAX would be valid. */
enum status secret_list_rotate(struct secret_list *list, struct secret *fresh, int64_t now_ms, int64_t grace_ms,
                               int64_t *previous_expires_at_ms) MUST_USE;
/* Destroys every secret but the newest; *revoked: how many of them were valid. STATUS_CONFLICT: the list is empty
 * (unsigned). */
enum status secret_list_revoke(struct secret_list *list, int64_t now_ms, size_t *revoked) MUST_USE;

#endif
