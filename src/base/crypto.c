/* OpenSSL behind a few verbs. Algorithms are fetched once, when the first of them is used: fetching costs more than
 * using them, and half a millisecond is a third of what a plain CGI request may take. (SHA-256, which every request
 * needs, is in crypto_digest.c.) */
#include "base/crypto.h"

#include <errno.h>
#include <limits.h>
#include <openssl/core_names.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/params.h>
#include <pthread.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/log.h"

/* What is fetched lives as long as the process. The HMAC context is a pattern: set up for SHA-256, duplicated for each
 * use, never used itself. */
static struct {
    pthread_once_t aead_once;
    pthread_once_t hmac_once;
    bool is_alone;
    EVP_CIPHER *aes256_gcm;
    EVP_MAC_CTX *hmac_sha256;
} library = {.aead_once = PTHREAD_ONCE_INIT, .hmac_once = PTHREAD_ONCE_INIT};

static _Noreturn void broken(const char *what)
{
    char reason[256];
    ERR_error_string_n(ERR_get_error(), reason, sizeof reason);
    log_error("crypto_failed", LOG_TEXT("call", what), LOG_TEXT("reason", reason));
    _exit(EXIT_FAILURE);
}

static void require(bool worked, const char *what)
{
    if (!worked)
        broken(what);
}

/* Without memory for its defaults OpenSSL would go on and fall over them. */
static void start_library(void)
{
    const uint64_t spare = OPENSSL_INIT_NO_LOAD_CONFIG | OPENSSL_INIT_NO_LOAD_CRYPTO_STRINGS |
                           OPENSSL_INIT_NO_ADD_ALL_CIPHERS | OPENSSL_INIT_NO_ADD_ALL_DIGESTS;
    if (library.is_alone)
        require(OPENSSL_init_crypto(spare, NULL) == 1, "OPENSSL_init_crypto");
    require(OSSL_LIB_CTX_get0_global_default(), "OSSL_LIB_CTX_get0_global_default");
}

static void fetch_aead(void)
{
    start_library();
    library.aes256_gcm = EVP_CIPHER_fetch(NULL, "AES-256-GCM", NULL);
    require(library.aes256_gcm, "EVP_CIPHER_fetch");
}

static void fetch_hmac(void)
{
    start_library();
    EVP_MAC *mac = EVP_MAC_fetch(NULL, "HMAC", NULL);
    require(mac, "EVP_MAC_fetch");
    library.hmac_sha256 = EVP_MAC_CTX_new(mac);
    EVP_MAC_free(mac);
    require(library.hmac_sha256, "EVP_MAC_CTX_new");
    char digest[] = "SHA256";
    const OSSL_PARAM params[] = {OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, digest, 0),
                                 OSSL_PARAM_construct_end()};
    static const unsigned char no_key[1]; /* a context without any key cannot be duplicated */
    require(EVP_MAC_init(library.hmac_sha256, no_key, sizeof no_key, params) == 1, "EVP_MAC_init");
}

void crypto_alone(void)
{
    library.is_alone = true;
}

void crypto_random(void *out, size_t length)
{
    unsigned char *next = out;
    while (length > 0) {
        ssize_t got = getrandom(next, length, 0);
        if (got < 0 && errno == EINTR)
            continue;
        require(got > 0, "getrandom");
        next += got;
        length -= (size_t)got;
    }
}

void crypto_cleanse(void *memory, size_t length)
{
    if (memory && length > 0)
        OPENSSL_cleanse(memory, length);
}

bool crypto_equal(const void *a, const void *b, size_t length)
{
    return CRYPTO_memcmp(a, b, length) == 0;
}

void crypto_hmac_sha256(const void *key, size_t key_length, const struct crypto_part *parts, size_t count,
                        unsigned char *out)
{
    require(pthread_once(&library.hmac_once, fetch_hmac) == 0, "pthread_once");
    EVP_MAC_CTX *context = EVP_MAC_CTX_dup(library.hmac_sha256);
    require(context, "EVP_MAC_CTX_dup");
    static const unsigned char nothing[1];
    require(EVP_MAC_init(context, key_length ? key : nothing, key_length, NULL) == 1, "EVP_MAC_init");
    for (size_t i = 0; i < count; i++)
        if (parts[i].length > 0)
            require(EVP_MAC_update(context, parts[i].data, parts[i].length) == 1, "EVP_MAC_update");
    size_t written;
    require(EVP_MAC_final(context, out, &written, SHA256_BYTES) == 1, "EVP_MAC_final");
    EVP_MAC_CTX_free(context);
}

/* OpenSSL counts in int. */
static int checked_length(size_t length)
{
    require(length <= INT_MAX, "length");
    return (int)length;
}

/* A context with key, nonce and associated data taken in. */
static EVP_CIPHER_CTX *aead_start(bool seals, const unsigned char *key, const unsigned char *nonce, const void *aad,
                                  size_t aad_length)
{
    require(pthread_once(&library.aead_once, fetch_aead) == 0, "pthread_once");
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    require(context, "EVP_CIPHER_CTX_new");
    require(EVP_CipherInit_ex2(context, library.aes256_gcm, key, nonce, seals, NULL) == 1, "EVP_CipherInit_ex2");
    int written;
    if (aad_length > 0)
        require(EVP_CipherUpdate(context, NULL, &written, aad, checked_length(aad_length)) == 1, "EVP_CipherUpdate");
    return context;
}

void crypto_aead_seal(const unsigned char *key, const unsigned char *nonce, const void *aad, size_t aad_length,
                      const void *plain, size_t length, unsigned char *out)
{
    EVP_CIPHER_CTX *context = aead_start(true, key, nonce, aad, aad_length);
    int written;
    if (length > 0)
        require(EVP_CipherUpdate(context, out, &written, plain, checked_length(length)) == 1, "EVP_CipherUpdate");
    require(EVP_CipherFinal_ex(context, out + length, &written) == 1, "EVP_CipherFinal_ex");
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, AEAD_TAG_BYTES, out + length) == 1, "GET_TAG");
    EVP_CIPHER_CTX_free(context);
}

enum status crypto_aead_open(const unsigned char *key, const unsigned char *nonce, const void *aad, size_t aad_length,
                             const unsigned char *sealed, size_t length, unsigned char *out)
{
    if (length < AEAD_TAG_BYTES || length > INT_MAX)
        return STATUS_CORRUPT;
    length -= AEAD_TAG_BYTES;
    EVP_CIPHER_CTX *context = aead_start(false, key, nonce, aad, aad_length);
    int written;
    if (length > 0)
        require(EVP_CipherUpdate(context, out, &written, sealed, (int)length) == 1, "EVP_CipherUpdate");
    unsigned char tag[AEAD_TAG_BYTES]; /* the call below takes no const pointer */
    for (size_t i = 0; i < sizeof tag; i++)
        tag[i] = sealed[length + i];
    require(EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, sizeof tag, tag) == 1, "SET_TAG");
    unsigned char rest[AEAD_TAG_BYTES];
    bool fits = EVP_CipherFinal_ex(context, rest, &written) == 1;
    EVP_CIPHER_CTX_free(context);
    if (fits)
        return STATUS_OK;
    ERR_clear_error();
    crypto_cleanse(out, length);
    return STATUS_CORRUPT;
}
