/* An event as a client publishes it. */
#ifndef HOOKTURN_API_INPUT_EVENT_H
#define HOOKTURN_API_INPUT_EVENT_H

#include "api/response.h"
#include "base/buf.h"

struct event_input {
    char *event_name;
    struct slice payload; /* borrows from the body */
    char *agent_id;       /* NULL: left out; likewise the next two */
    char *workspace_id;
    char *trace_id;
};

/* Like subscription_input_read. */
const char *event_input_read(struct slice body, struct event_input *out, struct field_errors *errors);
void event_input_clear(struct event_input *input);

#endif
