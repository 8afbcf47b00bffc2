/* An event to try a subscription with: to it alone, whatever it asks for, and even while it is paused. */
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "model/event.h"

static struct event make_event(const struct call *call, const struct object_id *subscription_id)
{
    struct event event = {.organization_id = call->key.organization_id, .created_at_ms = clock_now_ms()};
    store_event_id_make(call->store, event.created_at_ms, &event.id);
    event_fill_in_test(&event, subscription_id);
    return event;
}

struct rendering {
    struct keeper keeper;
    struct success *success;
    const struct event *event;
    const struct object_id *subscription_id;
};

static void render(void *context, struct buf *kept)
{
    struct rendering *rendering = context;
    const struct event *event = rendering->event;
    char event_id[OBJECT_ID_TEXT];
    char delivery_id[DELIVERY_ID_TEXT];
    json_object *object = json_out_new();
    object_id_format(&event->id, event_id);
    delivery_id_format(rendering->subscription_id, &event->id, delivery_id);
    success_clear(rendering->success);
    rendering->success->status = 202;
    json_out_text(object, "event_id", event_id);
    json_out_text(object, "trace_id", event->trace_id);
    json_out_text(json_out_array(object, "delivery_ids"), NULL, delivery_id);
    json_out_end(object, &rendering->success->body);
    idempotency_keep(&rendering->keeper, kept);
}

void handle_test(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct success success = {0};
    struct event event = make_event(call, &id);
    struct rendering rendering = {{call, &success}, &success, &event, &id};
    struct answer answer = {.idempotency = idempotency_of(call), .render = render, .context = &rendering};
    enum status status = store_publish_forced(call->store, &id, &event, &answer);
    idempotency_finish(call, status, &success, &answer, status == STATUS_NOT_FOUND ? "no such subscription" : NULL);
    call->response->needs_worker = status == STATUS_OK || status == STATUS_REPLAY;
    event_clear(&event);
}
