/* An event as it was published, and its deliveries. */
#include <string.h>

#include "api/call.h"
#include "api/handle.h"
#include "api/success.h"
#include "base/json_out.h"
#include "model/event.h"

static void add_delivery_ids(json_object *object, const struct event *event)
{
    json_object *array = json_out_array(object, "delivery_ids");
    for (size_t i = 0; i < event->subscription_count; i++) {
        char id[DELIVERY_ID_TEXT];
        delivery_id_format(&event->subscriptions[i], &event->id, id);
        json_out_text(array, NULL, id);
    }
}

/* Put in as text: its bytes are the publisher's, and stay so. */
static void splice_payload(struct buf *body, struct slice payload)
{
    body->length--; /* the closing brace */
    buf_append_text(body, ",\"payload\":");
    buf_append_slice(body, payload);
    buf_append_text(body, "}");
}

static enum status render_event(const struct event *event, struct buf *body)
{
    struct slice payload;
    if (event_payload(event, &payload) != STATUS_OK)
        return STATUS_CORRUPT;
    char id[OBJECT_ID_TEXT];
    object_id_format(&event->id, id);
    json_object *object = json_out_new();
    json_out_text(object, "event_id", id);
    json_out_text(object, "trace_id", event->trace_id);
    json_out_text(object, "event_name", event->name);
    json_out_time(object, "created_at", event->created_at_ms);
    if (event->agent_id != NULL)
        json_out_text(object, "agent_id", event->agent_id);
    if (event->workspace_id != NULL)
        json_out_text(object, "workspace_id", event->workspace_id);
    json_out_integer(object, "delivery_count", (int64_t)event->subscription_count);
    add_delivery_ids(object, event);
    json_out_end(object, body);
    splice_payload(body, payload);
    return STATUS_OK;
}

static enum status get_event(const struct call *call, const struct object_id *id, struct event *out)
{
    enum status status = store_event_get(call->store, id, out);
    if (status != STATUS_OK)
        return status;
    if (memcmp(&out->organization_id, &call->key.organization_id, sizeof out->organization_id) == 0)
        return STATUS_OK;
    event_clear(out);
    return STATUS_NOT_FOUND;
}

void handle_event_get(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct event event;
    enum status status = get_event(call, &id, &event);
    if (status != STATUS_OK) {
        call_fail(call, status, status == STATUS_NOT_FOUND ? "no such event" : NULL);
        return;
    }
    struct success success = {.status = 200};
    status = render_event(&event, &success.body);
    if (status == STATUS_OK)
        success_send(&success, call);
    else
        call_fail(call, status, NULL);
    success_clear(&success);
    event_clear(&event);
}
