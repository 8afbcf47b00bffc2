/* The signature headers of a delivery. The worker calls these for every attempt, with the secrets that are valid when
 * the attempt starts. */
#include "model/signature.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encoding.h"

enum { STANDARD_KEY_MAX = 48, SIGNED_HEAD_SIZE = 24 };
#define STANDARD_PREFIX "whsec_"

/* "<t>." */
static size_t format_head(int64_t t, char out[SIGNED_HEAD_SIZE])
{
    int length = snprintf(out, SIGNED_HEAD_SIZE, "%" PRId64 ".", t);
    assert(length > 0 && length < SIGNED_HEAD_SIZE);
    return (size_t)length;
}

void signature_format(int64_t t, struct slice body, char (*secrets)[SECRET_TEXT], size_t count, struct buf *out)
{
    char head[SIGNED_HEAD_SIZE];
    const struct crypto_part parts[] = {{head, format_head(t, head)}, {body.data, body.length}};

    buf_printf(out, "t=%" PRId64, t);
    for (size_t i = 0; i < count; i++) {
        unsigned char mac[SHA256_BYTES];
        char hex[2 * SHA256_BYTES + 1];
        crypto_hmac_sha256(secrets[i], strlen(secrets[i]), parts, sizeof parts / sizeof parts[0], mac);
        hex_encode(mac, sizeof mac, hex);
        buf_append_text(out, ",v1=");
        buf_append_text(out, hex);
    }
}

/* Our secrets always decode: secret_make wrote them. */
static size_t decode_key(const char *secret, unsigned char out[STANDARD_KEY_MAX])
{
    const size_t prefix = strlen(STANDARD_PREFIX);
    assert(strncmp(secret, STANDARD_PREFIX, prefix) == 0);
    size_t length = 0;
    enum status status = base64_decode(secret + prefix, strlen(secret + prefix), out, STANDARD_KEY_MAX, &length);
    assert(status == STATUS_OK);
    return status == STATUS_OK ? length : 0;
}

void signature_format_standard(const char *message_id, int64_t t, struct slice body, char (*secrets)[SECRET_TEXT],
                               size_t count, struct buf *out)
{
    char head[SIGNED_HEAD_SIZE];
    const struct crypto_part parts[] = {
        {message_id, strlen(message_id)}, {".", 1}, {head, format_head(t, head)}, {body.data, body.length}};

    for (size_t i = 0; i < count; i++) {
        unsigned char key[STANDARD_KEY_MAX], mac[SHA256_BYTES];
        char base64[BASE64_SIZE(SHA256_BYTES)];
        size_t key_length = decode_key(secrets[i], key);
        crypto_hmac_sha256(key, key_length, parts, sizeof parts / sizeof parts[0], mac);
        crypto_cleanse(key, sizeof key);
        base64_encode(mac, sizeof mac, base64);
        buf_append_text(out, i == 0 ? "v1," : " v1,");
        buf_append_text(out, base64);
    }
}
