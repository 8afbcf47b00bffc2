/* SHA-256, for keys that are looked up, names and files. OpenSSL's own functions for it, which need nothing to be set
 * up: the ones that OpenSSL recommends instead fetch from a provider, and bringing that up costs a program that is
 * started for a single request more than its way through the store. */
#define OPENSSL_SUPPRESS_DEPRECATED

#include <openssl/sha.h>
#include <stdlib.h>

#include "base/crypto.h"
#include "base/mem.h"

struct crypto_digest {
    SHA256_CTX context;
};

/* They cannot fail. */
static void start(struct crypto_digest *digest)
{
    (void)SHA256_Init(&digest->context);
}

static void finish(struct crypto_digest *digest, unsigned char *out)
{
    (void)SHA256_Final(out, &digest->context);
    crypto_cleanse(digest, sizeof *digest);
}

void crypto_sha256(const void *bytes, size_t length, unsigned char *out)
{
    struct crypto_digest digest;
    start(&digest);
    crypto_digest_add(&digest, bytes, length);
    finish(&digest, out);
}

struct crypto_digest *crypto_digest_new(void)
{
    struct crypto_digest *digest = mem_alloc(sizeof *digest);
    start(digest);
    return digest;
}

void crypto_digest_add(struct crypto_digest *digest, const void *bytes, size_t length)
{
    (void)SHA256_Update(&digest->context, bytes, length);
}

void crypto_digest_end(struct crypto_digest *digest, unsigned char *out)
{
    finish(digest, out);
    free(digest);
}
