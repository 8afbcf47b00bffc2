/* The members of an event to publish. The payload is not interpreted: its bytes are what receivers get. */
#include "api/input_event.h"

#include <stdlib.h>

#include "api/input.h"
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
    {"event_name", true, false, read_event_name}, {"payload", true, true, read_payload},
    {"agent_id", false, false, read_agent_id},    {"workspace_id", false, false, read_workspace_id},
    {"trace_id", false, false, read_trace_id},
};

const char *event_input_read(struct slice body, struct event_input *out, struct field_errors *errors)
{
    *out = (struct event_input){0};
    struct json_scan scan;
    const char *message = input_scan(body, &scan);
    if (message != NULL)
        return message;
    input_read_fields(&scan, fields, sizeof fields / sizeof fields[0], out, errors);
    json_scan_clear(&scan);
    return errors->count > 0 ? "the event has members that are missing or not valid" : NULL;
}

void event_input_clear(struct event_input *input)
{
    free(input->event_name);
    free(input->agent_id);
    free(input->workspace_id);
    free(input->trace_id);
    *input = (struct event_input){0};
}
