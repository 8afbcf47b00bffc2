/* Deleting a subscription. What is left is a tombstone, by which the worker knows that the deliveries that still wait
 * are off; secrets, headers and texts are gone with this transaction. */
#include "api/apply_subscription.h"
#include "api/call.h"
#include "api/handle.h"
#include "api/precondition.h"
#include "api/success.h"

static enum status apply_delete(void *context, int64_t now_ms, struct subscription *subscription)
{
    const struct call *call = context;
    enum status status = precondition_check(call->request, subscription, now_ms);
    if (status == STATUS_OK)
        apply_deletion(subscription, now_ms);
    return status;
}

void handle_subscription_delete(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct change change = {.apply = apply_delete, .context = call};
    enum status status = store_subscription_update(call->store, &call->key.organization_id, &id, &change);
    struct success success = {.status = 204};
    if (status == STATUS_OK)
        success_send(&success, call);
    else
        call_fail(call, status, apply_subscription_message(status));
}
