/* One delivery, with the body as it is sent and what came of its attempts; and what is done to it by hand. */
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "api/render_delivery.h"
#include "base/clock.h"
#include "base/mem.h"

enum { ATTEMPTS_SHOWN = 200 /* the last ones: an answer stays within some megabytes */ };

/* ---- get ---- */

static enum status add_attempts(const struct call *call, const struct delivery *delivery, json_object *object)
{
    json_object *array = json_out_array(object, "attempts");
    uint32_t count = delivery->attempt_count;
    for (uint32_t number = count > ATTEMPTS_SHOWN ? count - ATTEMPTS_SHOWN + 1 : 1; number <= count; number++) {
        struct attempt attempt;
        enum status status =
            store_attempt_get(call->store, &delivery->subscription_id, &delivery->event_id, number, &attempt);
        if (status == STATUS_NOT_FOUND) /* what a power loss took; its settlement was not promised to anybody */
            continue;
        if (status != STATUS_OK)
            return status;
        render_attempt(&attempt, array);
        attempt_clear(&attempt);
    }
    return STATUS_OK;
}

static enum status render_whole(const struct call *call, const struct delivery *delivery, const struct event *event,
                                struct buf *out)
{
    struct delivery_entry entry = {.delivery = *delivery};
    if (event_take_head(event, &entry.event) != STATUS_OK)
        return STATUS_CORRUPT;
    json_object *object = json_out_new();
    render_delivery(&entry, object);
    json_out_bytes(object, "body", buf_slice(&event->body));
    enum status status = add_attempts(call, delivery, object);
    if (status == STATUS_OK)
        json_out_end(object, out);
    else
        json_out_wipe(object);
    return status;
}

static enum status get(const struct call *call, const struct object_id *subscription_id,
                       const struct object_id *event_id, struct buf *out)
{
    struct delivery delivery;
    struct event event;
    enum status status =
        store_delivery_get(call->store, &call->key.organization_id, subscription_id, event_id, &delivery);
    if (status == STATUS_OK)
        status = store_event_get(call->store, event_id, &event);
    if (status != STATUS_OK)
        return status;
    status = render_whole(call, &delivery, &event, out);
    event_clear(&event);
    return status;
}

void handle_delivery_get(struct call *call)
{
    struct object_id subscription_id, event_id;
    if (!call_delivery_id(call, &subscription_id, &event_id))
        return;
    struct success success = {.status = 200};
    enum status status = get(call, &subscription_id, &event_id, &success.body);
    if (status == STATUS_OK)
        success_send(&success, call);
    else
        call_fail(call, status, status == STATUS_NOT_FOUND ? "no such delivery" : NULL);
    success_clear(&success);
}

/* ---- by hand ---- */

typedef enum status (*order)(struct store *store, const struct uuid *organization_id,
                             const struct object_id *subscription_id, const struct object_id *event_id, int64_t now_ms,
                             struct delivery_entry *out, struct answer *answer);

struct rendering {
    struct keeper keeper;
    struct success *success;
    struct delivery_entry entry;
    int status;
};

static void render(void *context, struct buf *kept)
{
    struct rendering *rendering = context;
    struct success *success = rendering->success;
    json_object *object = json_out_new();
    success_clear(success);
    success->status = rendering->status;
    render_delivery(&rendering->entry, object);
    json_out_end(object, &success->body);
    idempotency_keep(&rendering->keeper, kept);
}

/* STATUS_OK also for a repeat. `conflict`: what a 409 means. */
static enum status give(struct call *call, order give_order, int status_if_done, const char *conflict)
{
    struct object_id subscription_id, event_id;
    if (!call_delivery_id(call, &subscription_id, &event_id))
        return STATUS_NOT_FOUND;
    struct success success = {0};
    struct rendering rendering = {.keeper = {call, &success}, .success = &success, .status = status_if_done};
    struct answer answer = {.idempotency = idempotency_of(call), .render = render, .context = &rendering};
    enum status status = give_order(call->store, &call->key.organization_id, &subscription_id, &event_id,
                                    clock_now_ms(), &rendering.entry, &answer);
    const char *message = status == STATUS_NOT_FOUND ? "no such delivery" : NULL;
    idempotency_finish(call, status, &success, &answer, status == STATUS_CONFLICT ? conflict : message);
    return status == STATUS_REPLAY ? STATUS_OK : status;
}

void handle_delivery_retry(struct call *call)
{
    enum status status =
        give(call, store_delivery_retry, 202, "the subscription of the delivery is gone: it cannot be sent again");
    call->response->needs_worker = status == STATUS_OK;
}

void handle_delivery_cancel(struct call *call)
{
    (void)give(call, store_delivery_cancel, 200, "the delivery is finished: there is nothing to cancel");
}
