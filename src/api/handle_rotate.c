/* Rotating a signing secret: a new one from now on, the one before it for the grace time beside it. */
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "base/json_out.h"

struct rotation {
    struct call *call;
    struct success *success;
    char secret[SECRET_TEXT];
};

/* Exactly two members; the receiver's owner needs no more to take part in the change. */
static void render_rotation(const struct rotation *rotation, const struct subscription *subscription, int64_t now_ms,
                            int64_t previous_expires_at_ms)
{
    struct success *success = rotation->success;
    success_clear(success);
    success->status = 200;
    json_object *object = json_out_new();
    json_out_time(object, "previous_secret_expires_at", previous_expires_at_ms);
    json_out_end(object, &success->body);
    success_splice_secret(success, SECRET_FIRST, subscription, rotation->secret);
    subscription_etag(subscription, now_ms, success->etag);
}

static enum status apply_rotation(void *context, int64_t now_ms, struct subscription *subscription)
{
    const struct rotation *rotation = context;
    const struct call *call = rotation->call;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    struct secret fresh;
    secret_seal(store_keyring(call->store), id, rotation->secret, now_ms, &fresh);
    int64_t previous_expires_at_ms = 0;
    enum status status = secret_list_rotate(&subscription->secrets, &fresh, now_ms, call->conf->secret_grace_ms,
                                            &previous_expires_at_ms);
    if (status == STATUS_OK)
        render_rotation(rotation, subscription, now_ms, previous_expires_at_ms);
    secret_clear(&fresh);
    return status;
}

static const char *rotation_message(enum status status)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        return "no such subscription";
    case STATUS_CONFLICT:
        return "the subscription is not signed: it has no secret to rotate";
    case STATUS_LIMIT:
        return "too many secrets of the subscription are still valid; wait until an earlier one has ended";
    default:
        return NULL;
    }
}

void handle_secret_rotate(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct success success = {0};
    struct rotation rotation = {.call = call, .success = &success};
    secret_make(rotation.secret);
    struct keeper keeper = {call, &success};
    struct answer answer = {.idempotency = idempotency_of(call), .render = idempotency_keep, .context = &keeper};
    struct change change = {.apply = apply_rotation, .context = &rotation, .answer = &answer};
    enum status status = store_subscription_update(call->store, &call->key.organization_id, &id, &change);
    idempotency_finish(call, status, &success, &answer, rotation_message(status));
    crypto_cleanse(rotation.secret, sizeof rotation.secret);
}
