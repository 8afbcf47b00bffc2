/* The members of an event to publish. The payload is not interpreted: its bytes are what receivers get. */
#include "api/input_event.h"

#include <stdlib.h>

#include "api/input.h"
#include "base/mem.h"
#include "model/subscription_check.h"

static const char *read_event_name(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_event_name, &((struct event_input *)context)->event_name);
}

static const char *read_payload(void *context, const struct input_member *member)
{
    if (member->span->kind != JSON_OBJECT)
        return "must be an object";
    ((struct event_input *)context)->payload = member->span->value;
    return NULL;
}

static const char *read_agent_id(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_scope_id, &((struct event_input *)context)->agent_id);
}

static const char *read_workspace_id(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_scope_id, &((struct event_input *)context)->workspace_id);
}

static const char *read_trace_id(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_trace_id, &((struct event_input *)context)->trace_id);
}

static const struct input_field fields[] = {
    {"event_name", true, false, read_event_name, NULL}, {"payload", true, true, read_payload, NULL},
    {"agent_id", false, false, read_agent_id, NULL},    {"workspace_id", false, false, read_workspace_id, NULL},
    {"trace_id", false, false, read_trace_id, NULL},
};

static const char *read_event(struct slice text, struct event_input *out, struct field_errors *errors)
{
    struct json_scan scan;
    const char *message = input_scan(text, &scan);
    if (message != NULL)
        return message;
    input_read_fields(&scan, fields, sizeof fields / sizeof fields[0], INPUT_WHOLE, out, errors);
    json_scan_clear(&scan);
    return NULL;
}

static void make_room(struct event_inputs *out, size_t count)
{
    *out = (struct event_inputs){mem_calloc(count, sizeof *out->items), count};
}

const char *event_input_read(struct slice body, struct event_inputs *out, struct field_errors *errors)
{
    make_room(out, 1);
    const char *message = read_event(body, &out->items[0], errors);
    if (message != NULL)
        return message;
    return errors->count > 0 ? "the event has members that are missing or not valid" : NULL;
}

/* ---- a batch ---- */

static void add_errors(size_t index, const char *message, const struct field_errors *own, struct field_errors *errors)
{
    struct buf field = {0};
    buf_printf(&field, "%zu", index);
    if (message != NULL)
        field_errors_add(errors, buf_text(&field), message);
    for (size_t i = 0; i < own->count; i++) {
        buf_reset(&field);
        buf_printf(&field, "%zu.%s", index, own->items[i].field);
        field_errors_add(errors, buf_text(&field), own->items[i].message);
    }
    buf_clear(&field);
}

static void read_element(const struct json_scan *scan, size_t index, struct event_input *out,
                         struct field_errors *errors)
{
    struct field_errors own = {0};
    const struct json_span *span = &scan->spans[index];
    const char *message = span->kind == JSON_OBJECT ? read_event(span->value, out, &own) : "must be an object";
    add_errors(index, message, &own, errors);
    field_errors_clear(&own);
}

static const char *scan_batch(struct slice body, struct json_scan *out)
{
    const char *message = NULL;
    if (json_scan(body, JSON_MAX_DEPTH, out, &message) != STATUS_OK)
        return message;
    if (out->kind == JSON_ARRAY && out->count >= 1 && out->count <= EVENT_BATCH_MAX)
        return NULL;
    json_scan_clear(out);
    return "the body must be an array of 1 to 1000 events";
}

const char *event_input_read_batch(struct slice body, struct event_inputs *out, struct field_errors *errors)
{
    *out = (struct event_inputs){0};
    struct json_scan scan;
    const char *message = scan_batch(body, &scan);
    if (message != NULL)
        return message;
    make_room(out, scan.count);
    for (size_t i = 0; i < scan.count; i++)
        read_element(&scan, i, &out->items[i], errors);
    json_scan_clear(&scan);
    return errors->count > 0 ? "the batch has events that are not valid; none was published" : NULL;
}

void event_inputs_clear(struct event_inputs *inputs)
{
    for (size_t i = 0; i < inputs->count; i++) {
        struct event_input *input = &inputs->items[i];
        free(input->event_name);
        free(input->agent_id);
        free(input->workspace_id);
        free(input->trace_id);
    }
    free(inputs->items);
    *inputs = (struct event_inputs){0};
}
