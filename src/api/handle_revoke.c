/* Revoking previous secrets: from this transaction on, the newest one signs alone. */
#include "api/apply_subscription.h"
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "base/json_out.h"

struct revocation {
    struct success *success;
    struct change *change;
};

static void render_revocation(struct success *success, const struct subscription *subscription, int64_t now_ms,
                              size_t revoked)
{
    success_clear(success);
    success->status = 200;
    json_object *object = json_out_new();
    json_out_integer(object, "revoked", (int64_t)revoked);
    json_out_end(object, &success->body);
    subscription_etag(subscription, now_ms, success->etag);
}

/* Where the newest is the only one, there is nothing to write. */
static enum status apply_revocation(void *context, int64_t now_ms, struct subscription *subscription)
{
    const struct revocation *revocation = context;
    size_t revoked = 0;
    bool is_alone = subscription->secrets.count == 1;
    enum status status = secret_list_revoke(&subscription->secrets, now_ms, &revoked);
    if (status != STATUS_OK)
        return status;
    if (is_alone) {
        revocation->change->is_unchanged = true;
        subscription->version--;
    }
    render_revocation(revocation->success, subscription, now_ms, revoked);
    return STATUS_OK;
}

void handle_secret_revoke(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct success success = {0};
    struct keeper keeper = {call, &success};
    struct answer answer = {.idempotency = idempotency_of(call), .render = idempotency_keep, .context = &keeper};
    struct revocation revocation = {.success = &success};
    struct change change = {.apply = apply_revocation, .context = &revocation, .answer = &answer};
    revocation.change = &change;
    enum status status = store_subscription_update(call->store, &call->key.organization_id, &id, &change);
    const char *message = status == STATUS_CONFLICT ? "the subscription is not signed: it has no secret to revoke"
                                                    : apply_subscription_message(status);
    idempotency_finish(call, status, &success, &answer, message);
}
