/* Keeping an answer and giving it again. The row's key binds organization, path and the client's key; the answer is
 * sealed with that as associated data. A signing secret is cut out of what is kept and read from the subscription at
 * the repeat, so a repeat works as long as the secret does, and no longer. */
#include "api/idempotency.h"

#include <string.h>

#include "base/clock.h"
#include "base/keyring.h"

enum { KEY_MAX = 255 };
#define KEPT_FOR_MS (INT64_C(24) * 60 * 60 * 1000)

static bool key_is_valid(const char *key)
{
    size_t length = strlen(key);
    if (length == 0 || length > KEY_MAX)
        return false;
    for (size_t i = 0; i < length; i++)
        if (key[i] < 0x20 || key[i] > 0x7e)
            return false;
    return true;
}

static void refuse_key(struct call *call)
{
    struct field_errors errors = {0};
    field_errors_add(&errors, "Idempotency-Key", "must be 1 to 255 printable ASCII characters");
    call_invalid(call, "the request has an invalid header", &errors);
    field_errors_clear(&errors);
}

/* The path is the API's, so that it is the same through every mount point. */
static void digest_key(const struct call *call, unsigned char *out)
{
    struct buf text;
    buf_init(&text);
    buf_append(&text, call->key.organization_id.bytes, UUID_BYTES);
    buf_append(&text, "", 1);
    buf_append_text(&text, call->request->path);
    buf_append(&text, "", 1);
    buf_append_text(&text, call->request->idempotency_key);
    crypto_sha256(text.data, text.length, out);
    buf_clear(&text);
}

/* The method is part of it, as PUT and PATCH of one path may bring the same body. */
static void digest_request(const struct request *request, unsigned char *out)
{
    const char *method = http_method_name(request->method);
    const struct crypto_part body = {buf_text(&request->body), request->body.length};
    crypto_hmac_sha256(method, strlen(method), &body, 1, out);
}

static bool method_honours_key(enum http_method method)
{
    return method == HTTP_POST || method == HTTP_PUT || method == HTTP_PATCH;
}

bool idempotency_check(struct call *call)
{
    const struct request *request = call->request;
    if (request->idempotency_key == NULL || !method_honours_key(request->method))
        return true;
    if (!key_is_valid(request->idempotency_key)) {
        refuse_key(call);
        return false;
    }
    call->is_idempotent = true;
    call->idempotency = (struct idempotency){.now_ms = clock_now_ms()};
    call->idempotency.expires_at_ms = call->idempotency.now_ms + KEPT_FOR_MS;
    digest_key(call, call->idempotency.key);
    if (call->route->body != BODY_IGNORED)
        digest_request(request, call->idempotency.fingerprint);
    return true;
}

static struct slice key_slice(const struct call *call)
{
    return (struct slice){(const char *)call->idempotency.key, SHA256_BYTES};
}

void idempotency_keep(void *keeper, struct buf *kept)
{
    const struct keeper *with = keeper;
    if (!with->call->is_idempotent)
        return;
    struct buf plain;
    buf_init(&plain);
    success_encode(with->success, &plain);
    keyring_seal(store_keyring(with->call->store), key_slice(with->call), buf_slice(&plain), kept);
    buf_clear(&plain);
}

const struct idempotency *idempotency_of(const struct call *call)
{
    return call->is_idempotent ? &call->idempotency : NULL;
}

/* ---- the repeat ---- */

static enum status unseal_success(struct call *call, const struct buf *kept, struct success *out)
{
    struct buf plain;
    buf_init(&plain);
    enum status status = keyring_unseal(store_keyring(call->store), key_slice(call), buf_slice(kept), &plain);
    if (status == STATUS_OK)
        status = success_decode(buf_slice(&plain), out);
    buf_clear(&plain);
    return status;
}

/* STATUS_NOT_FOUND: the secret is no longer among the valid ones. */
static enum status read_secret(struct call *call, const struct subscription *subscription, const unsigned char *digest,
                               char out[SECRET_TEXT])
{
    const struct secret *secret = secret_list_find(&subscription->secrets, digest, clock_now_ms());
    if (secret == NULL)
        return STATUS_NOT_FOUND;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    return secret_unseal(store_keyring(call->store), id, secret, out);
}

static enum status restore_secret(struct call *call, struct success *success)
{
    struct subscription subscription = {0};
    enum status status =
        store_subscription_get(call->store, &call->key.organization_id, &success->subscription_id, &subscription);
    if (status != STATUS_OK)
        return status;
    char secret[SECRET_TEXT];
    status = read_secret(call, &subscription, success->secret_digest, secret);
    if (status == STATUS_OK)
        success_insert_secret(success, secret);
    crypto_cleanse(secret, sizeof secret);
    subscription_clear(&subscription);
    return status;
}

static void replay(struct call *call, const struct buf *kept)
{
    struct success success = {0};
    enum status status = unseal_success(call, kept, &success);
    if (status == STATUS_OK && success.has_secret)
        status = restore_secret(call, &success);
    if (status == STATUS_OK) {
        success_send(&success, call);
        response_header(call->response, "Idempotent-Replayed", "true");
    } else if (status == STATUS_NOT_FOUND) {
        call_fail(call, STATUS_CONFLICT, "the secret that the first answer held no longer exists");
    } else {
        call_fail(call, status, NULL);
    }
    success_clear(&success);
}

void idempotency_finish(struct call *call, enum status status, struct success *success, struct answer *answer,
                        const char *message)
{
    if (status == STATUS_OK)
        success_send(success, call);
    else if (status == STATUS_REPLAY)
        replay(call, &answer->kept);
    else
        call_fail(call, status, message);
    success_clear(success);
    buf_clear(&answer->kept);
}
