/* What is in the events that tell of failures. The worker composes them; they are published by the transaction that
 * does what they tell. */
#include "model/notice.h"

#include "base/json_out.h"
#include "base/mem.h"

void notice_init(struct event *out, const char *name, const struct object_id *id, const struct uuid *organization_id,
                 int64_t now_ms)
{
    struct uuid trace;
    *out = (struct event){.id = *id, .organization_id = *organization_id, .created_at_ms = now_ms};
    out->name = mem_strdup(name);
    out->trace_id = mem_alloc(UUID_TEXT);
    uuid_make(&trace);
    uuid_format(&trace, out->trace_id);
}

static json_object *begin(const struct object_id *subscription_id, const char *subscription_name)
{
    char id[OBJECT_ID_TEXT];
    json_object *payload = json_out_new();
    object_id_format(subscription_id, id);
    json_out_text(payload, "subscription_id", id);
    json_out_text(payload, "subscription_name", subscription_name);
    return payload;
}

static void end(json_object *payload, struct event *notice)
{
    struct buf text = {0};
    json_out_end(payload, &text);
    event_compose_body(notice, buf_slice(&text));
    buf_clear(&text);
}

void notice_tell_failure(struct event *notice, const struct delivery_failure *failure)
{
    char delivery_id[2 * OBJECT_ID_TEXT];
    char event_id[OBJECT_ID_TEXT];
    object_id_format(failure->subscription_id, delivery_id);
    object_id_format(failure->event_id, delivery_id + OBJECT_ID_TEXT - 1);
    object_id_format(failure->event_id, event_id);
    json_object *payload = begin(failure->subscription_id, failure->subscription_name);
    json_out_text(payload, "delivery_id", delivery_id);
    json_out_text(payload, "event_id", event_id);
    json_out_text(payload, "event_name", failure->event_name);
    json_out_integer(payload, "attempt_count", failure->attempt->number);
    if (failure->attempt->response_status != 0)
        json_out_integer(payload, "response_status", failure->attempt->response_status);
    if (failure->attempt->error != ATTEMPT_NO_ERROR)
        json_out_text(payload, "error", attempt_error_name(failure->attempt->error));
    json_out_time(payload, "finished_at", failure->finished_at_ms);
    end(payload, notice);
}

void notice_tell_switch_off(struct event *notice, const struct subscription *subscription, const struct switch_off *why,
                            int64_t now_ms)
{
    json_object *payload = begin(&subscription->id, subscription->name);
    json_out_text(payload, "reason", disabled_reason_name(why->reason));
    if (why->failing_since_ms != 0)
        json_out_time(payload, "failing_since", why->failing_since_ms);
    json_out_time(payload, "disabled_at", now_ms);
    end(payload, notice);
}
