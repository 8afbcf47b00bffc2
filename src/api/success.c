/* An answer that went well, as a response and as bytes. Handlers fill it in while the store holds the record;
 * idempotency.c keeps and repeats it.
 *
 * The bytes: 1 version, 1 has_secret, 2 status, 4 secret_offset, 12 subscription id, 32 digest, location and ETag
 * padded with NULs to their sizes, then the body. Integers big-endian. */
#include "api/success.h"

#include <string.h>

enum {
    FORMAT = 1,
    SECRET_LENGTH = SECRET_TEXT - 1,
    AT_HAS_SECRET = 1,
    AT_STATUS = 2,
    AT_OFFSET = 4,
    AT_SUBSCRIPTION = 8,
    AT_DIGEST = AT_SUBSCRIPTION + OBJECT_ID_BYTES,
    AT_LOCATION = AT_DIGEST + SHA256_BYTES,
    AT_ETAG = AT_LOCATION + LOCATION_SIZE,
    AT_BODY = AT_ETAG + SUBSCRIPTION_ETAG
};

void success_clear(struct success *success)
{
    buf_clear(&success->body);
    *success = (struct success){0};
}

/* A secret's alphabet needs no escapes. */
void success_splice_secret(struct success *success, enum secret_place place, const struct subscription *subscription,
                           const char secret[SECRET_TEXT])
{
    static const struct {
        const char *before, *after;
    } frames[] = {[SECRET_FIRST] = {"\"secret\":\"", "\","}, [SECRET_LAST] = {",\"secret\":\"", "\""}};
    size_t at = place == SECRET_FIRST ? 1 : success->body.length - 1; /* inside the braces */
    struct buf whole;
    buf_init(&whole);
    buf_append(&whole, success->body.data, at);
    buf_append_text(&whole, frames[place].before);
    success->secret_offset = whole.length;
    buf_append(&whole, secret, SECRET_LENGTH);
    buf_append_text(&whole, frames[place].after);
    buf_append(&whole, success->body.data + at, success->body.length - at);
    buf_clear(&success->body);
    success->body = whole;
    success->has_secret = true;
    success->subscription_id = subscription->id;
    memcpy(success->secret_digest, subscription->secrets.items[0].digest, SHA256_BYTES);
}

void success_encode(const struct success *success, struct buf *out)
{
    unsigned char head[AT_BODY] = {FORMAT};
    size_t offset = success->secret_offset;
    head[AT_HAS_SECRET] = success->has_secret;
    head[AT_STATUS] = (unsigned char)(success->status >> 8);
    head[AT_STATUS + 1] = (unsigned char)success->status;
    for (int i = 0; i < 4; i++)
        head[AT_OFFSET + i] = (unsigned char)(offset >> (24 - 8 * i));
    memcpy(head + AT_SUBSCRIPTION, success->subscription_id.bytes, OBJECT_ID_BYTES);
    memcpy(head + AT_DIGEST, success->secret_digest, SHA256_BYTES);
    memcpy(head + AT_LOCATION, success->location, LOCATION_SIZE);
    memcpy(head + AT_ETAG, success->etag, SUBSCRIPTION_ETAG);
    buf_append(out, head, sizeof head);

    const char *body = buf_text(&success->body);
    size_t cut = success->has_secret ? offset : success->body.length;
    size_t rest = success->has_secret ? cut + SECRET_LENGTH : cut;
    buf_append(out, body, cut);
    buf_append(out, body + rest, success->body.length - rest);
}

static bool head_is_sound(const unsigned char *head, size_t body_length, size_t offset)
{
    return head[0] == FORMAT && head[AT_ETAG - 1] == '\0' && head[AT_BODY - 1] == '\0' && offset <= body_length;
}

enum status success_decode(struct slice bytes, struct success *out)
{
    *out = (struct success){0};
    if (bytes.length < AT_BODY)
        return STATUS_CORRUPT;
    unsigned char head[AT_BODY];
    memcpy(head, bytes.data, sizeof head);
    size_t offset = 0;
    for (int i = 0; i < 4; i++)
        offset = offset << 8 | head[AT_OFFSET + i];
    if (!head_is_sound(head, bytes.length - AT_BODY, offset))
        return STATUS_CORRUPT;

    out->has_secret = head[AT_HAS_SECRET] != 0;
    out->status = head[AT_STATUS] << 8 | head[AT_STATUS + 1];
    out->secret_offset = offset;
    memcpy(out->subscription_id.bytes, head + AT_SUBSCRIPTION, OBJECT_ID_BYTES);
    memcpy(out->secret_digest, head + AT_DIGEST, SHA256_BYTES);
    memcpy(out->location, head + AT_LOCATION, LOCATION_SIZE);
    memcpy(out->etag, head + AT_ETAG, SUBSCRIPTION_ETAG);
    buf_append(&out->body, bytes.data + AT_BODY, bytes.length - AT_BODY);
    return STATUS_OK;
}

void success_insert_secret(struct success *success, const char secret[SECRET_TEXT])
{
    struct buf whole;
    buf_init(&whole);
    buf_reserve(&whole, success->body.length + SECRET_LENGTH);
    buf_append(&whole, success->body.data, success->secret_offset);
    buf_append(&whole, secret, SECRET_LENGTH);
    buf_append(&whole, success->body.data + success->secret_offset, success->body.length - success->secret_offset);
    buf_clear(&success->body);
    success->body = whole;
}

void success_send(struct success *success, struct call *call)
{
    struct response *response = call->response;
    response->status = success->status;
    if (success->body.length > 0)
        response_header(response, "Content-Type",
                        success->content_type != NULL ? success->content_type : "application/json");
    if (success->location[0] != '\0') {
        struct buf location;
        buf_init(&location);
        buf_printf(&location, "%s%s", call->request->mount, success->location);
        response_header(response, "Location", buf_text(&location));
        buf_clear(&location);
    }
    if (success->etag[0] != '\0')
        response_header(response, "ETag", success->etag);
    buf_clear(&response->body);
    response->body = success->body;
    buf_init(&success->body);
}
