/* OpenSSL behind five verbs. What cannot fail but for a broken library ends the process. */
#ifndef HOOKTURN_BASE_CRYPTO_H
#define HOOKTURN_BASE_CRYPTO_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { SHA256_BYTES = 32, AEAD_KEY_BYTES = 32, AEAD_NONCE_BYTES = 12, AEAD_TAG_BYTES = 16 };

/* Called before anything else by a program in which nobody else uses OpenSSL, for TLS say: OpenSSL's configuration file
 * and its tables of names, which take longer to load than all the rest, stay out of it. */
void crypto_alone(void);
void crypto_random(void *out, size_t length);
/* Overwrites memory so that the compiler keeps it. */
void crypto_cleanse(void *memory, size_t length);
/* Constant time. */
bool crypto_equal(const void *a, const void *b, size_t length);
void crypto_sha256(const void *bytes, size_t length, unsigned char *out);
/* The same over bytes that come in pieces. Begin with crypto_digest_new; crypto_digest_end writes SHA256_BYTES and
 * frees. */
struct crypto_digest;
struct crypto_digest *crypto_digest_new(void);
void crypto_digest_add(struct crypto_digest *digest, const void *bytes, size_t length);
void crypto_digest_end(struct crypto_digest *digest, unsigned char *out);
/* HMAC-SHA256 (RFC 2104) over `count` parts in a row, so that nothing needs to be copied together. */
struct crypto_part {
    const void *data;
    size_t length;
};
void crypto_hmac_sha256(const void *key, size_t key_length, const struct crypto_part *parts, size_t count,
                        unsigned char *out);
/* AES-256-GCM. seal writes `length` bytes to `out` and the tag behind them; open takes such bytes (`length` counts the
 * tag) and writes length - 16. open: STATUS_CORRUPT where the tag does not fit; `out` is cleansed then. */
void crypto_aead_seal(const unsigned char *key, const unsigned char *nonce, const void *aad, size_t aad_length,
                      const void *plain, size_t length, unsigned char *out);
enum status crypto_aead_open(const unsigned char *key, const unsigned char *nonce, const void *aad, size_t aad_length,
                             const unsigned char *sealed, size_t length, unsigned char *out) MUST_USE;

#endif
