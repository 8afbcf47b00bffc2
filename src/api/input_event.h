/* Events as a client publishes them: one, or a batch. */
#ifndef HOOKTURN_API_INPUT_EVENT_H
#define HOOKTURN_API_INPUT_EVENT_H

#include <stddef.h>

#include "api/response.h"
#include "base/buf.h"

struct event_input {
    char *event_name;
    struct slice payload; /* borrows from the body */
    char *agent_id;       /* NULL: left out; likewise the next two */
    char *workspace_id;
    char *trace_id;
};

enum { EVENT_BATCH_MAX = 1000 };

/* `{0}` is empty. */
struct event_inputs {
    struct event_input *items;
    size_t count;
};

/* One object. Like subscription_input_read; clear `out` with event_inputs_clear. */
const char *event_input_read(struct slice body, struct event_inputs *out, struct field_errors *errors);
/* An array of 1 to EVENT_BATCH_MAX objects. Members are named "<index>.<member>", an element that is no usable object
 * "<index>". */
const char *event_input_read_batch(struct slice body, struct event_inputs *out, struct field_errors *errors);
void event_inputs_clear(struct event_inputs *inputs);

#endif
