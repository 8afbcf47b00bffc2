/* An event as published: the bytes that receivers get, and which subscriptions it concerns. The API and the `publish`
 * command compose it, the store matches it. */
#include "model/event.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/mem.h"

/* The service whose events tell a customer about their own subscriptions. */
#define OWN_SERVICE_PREFIX "Webhook."

void event_clear(struct event *event)
{
    free(event->name);
    free(event->trace_id);
    free(event->agent_id);
    free(event->workspace_id);
    buf_clear(&event->body);
    free(event->subscriptions);
    memset(event, 0, sizeof *event);
}

enum status event_take_head(const struct event *event, struct event_head *out)
{
    struct event_head head = {.organization_id = event->organization_id};
    if (strlen(event->name) >= EVENT_WORD_SIZE || strlen(event->trace_id) >= EVENT_WORD_SIZE)
        return STATUS_CORRUPT;
    memcpy(head.name, event->name, strlen(event->name));
    memcpy(head.trace_id, event->trace_id, strlen(event->trace_id));
    *out = head;
    return STATUS_OK;
}

char *event_trace_id_make(void)
{
    struct uuid trace;
    char *text = mem_alloc(UUID_TEXT);
    uuid_make(&trace);
    uuid_format(&trace, text);
    return text;
}

/* Nothing needs escaping: the alphabets of UUIDs, trace ids and event names hold no character that JSON escapes. */
void event_compose_body(struct event *event, struct slice payload)
{
    assert(event->created_at_ms >= 0);
    char organization_id[UUID_TEXT];
    uuid_format(&event->organization_id, organization_id);
    buf_reset(&event->body);
    buf_printf(&event->body,
               "{\"organizationId\":\"%s\",\"traceId\":\"%s\",\"eventName\":\"%s\","
               "\"timestamp\":%" PRId64 ".%03d,\"payload\":",
               organization_id, event->trace_id, event->name, event->created_at_ms / 1000,
               (int)(event->created_at_ms % 1000));
    buf_append_slice(&event->body, payload);
    buf_append(&event->body, "}", 1);
}

void event_fill_in_test(struct event *event, const struct object_id *subscription_id)
{
    char id[OBJECT_ID_TEXT];
    struct buf payload = {0};
    json_object *object = json_out_new();
    object_id_format(subscription_id, id);
    json_out_text(object, "message", "This event was made to test the subscription. Nothing happened.");
    json_out_text(object, "subscription_id", id);
    json_out_end(object, &payload);
    event->name = mem_strdup(EVENT_NAME_TEST);
    event->trace_id = event_trace_id_make();
    event_compose_body(event, buf_slice(&payload));
    buf_clear(&payload);
}

/* What stands before the payload holds no text of a client's that could pass for its name. */
enum status event_payload(const struct event *event, struct slice *out)
{
    static const char name[] = ",\"payload\":";
    const char *body = buf_text(&event->body);
    const char *found = strstr(body, name);
    size_t start = found != NULL ? (size_t)(found - body) + sizeof name - 1 : 0;
    if (found == NULL || start + 1 >= event->body.length)
        return STATUS_CORRUPT;
    *out = (struct slice){body + start, event->body.length - start - 1};
    return STATUS_OK;
}

void event_append_accepted(const struct event *event, struct buf *out)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&event->id, id);
    json_object *object = json_out_new();
    json_out_text(object, "event_id", id);
    json_out_text(object, "trace_id", event->trace_id);
    json_out_text(object, "event_name", event->name);
    json_out_integer(object, "delivery_count", (int64_t)event->subscription_count);
    json_out_time(object, "created_at", event->created_at_ms);
    json_out_end(object, out);
}

bool event_name_is_own(const char *name)
{
    return strncmp(name, OWN_SERVICE_PREFIX, strlen(OWN_SERVICE_PREFIX)) == 0;
}

/* "Service.*" for any event of that service. */
static bool filter_covers_service(const char *filter, const char *name)
{
    size_t length = strlen(filter);
    return length > 2 && strcmp(filter + length - 2, ".*") == 0 && strncmp(filter, name, length - 1) == 0;
}

static bool filter_covers(const char *filter, const char *name, bool is_exact_only)
{
    if (strcmp(filter, name) == 0)
        return true;
    return !is_exact_only && (strcmp(filter, "*") == 0 || filter_covers_service(filter, name));
}

static bool filters_cover(const struct text_list *filters, const char *name)
{
    bool is_exact_only = event_name_is_own(name);
    if (filters->count == 0)
        return !is_exact_only;
    for (size_t i = 0; i < filters->count; i++)
        if (filter_covers(filters->items[i], name, is_exact_only))
            return true;
    return false;
}

static bool list_has(const struct text_list *list, const char *text)
{
    if (text == NULL)
        return false;
    for (size_t i = 0; i < list->count; i++)
        if (strcmp(list->items[i], text) == 0)
            return true;
    return false;
}

static bool scope_covers(const struct event *event, const struct subscription *subscription)
{
    switch (subscription_scope(subscription)) {
    case SCOPE_ORGANIZATION:
        return true;
    case SCOPE_WORKSPACE:
        return list_has(&subscription->workspace_ids, event->workspace_id);
    case SCOPE_AGENT:
        return list_has(&subscription->agent_ids, event->agent_id);
    }
    return false;
}

bool event_matches(const struct event *event, const struct subscription *subscription)
{
    return !subscription->is_deleted && filters_cover(&subscription->events, event->name) &&
           scope_covers(event, subscription);
}
