/* Publishing an event: 202 once it and the list of its deliveries are on disk. */
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "api/input_event.h"
#include "base/clock.h"
#include "base/mem.h"
#include "model/event.h"

struct publication {
    struct keeper keeper;
    struct success *success;
    const struct event *event;
};

/* The store calls it when the event's subscriptions are known. */
static void render_publication(void *context, struct buf *kept)
{
    const struct publication *publication = context;
    const struct event *event = publication->event;
    struct success *success = publication->success;
    success_clear(success);
    success->status = 202;
    event_append_accepted(event, &success->body);
    idempotency_keep((void *)&publication->keeper, kept);
}

/* Moves the input's texts into the event. */
static void make_event(struct call *call, struct event_input *input, struct event *out)
{
    *out = (struct event){.organization_id = call->key.organization_id,
                          .created_at_ms = clock_now_ms(),
                          .name = input->event_name,
                          .trace_id = input->trace_id,
                          .agent_id = input->agent_id,
                          .workspace_id = input->workspace_id};
    struct slice payload = input->payload;
    *input = (struct event_input){0};
    store_event_id_make(call->store, out->created_at_ms, &out->id);
    if (out->trace_id == NULL) {
        struct uuid trace;
        uuid_make(&trace);
        out->trace_id = mem_alloc(UUID_TEXT);
        uuid_format(&trace, out->trace_id);
    }
    event_compose_body(out, payload);
}

static void publish(struct call *call, struct event_input *input)
{
    struct event event;
    make_event(call, input, &event);
    struct success success = {0};
    struct publication publication = {{call, &success}, &success, &event};
    struct answer answer = {.idempotency = idempotency_of(call), .render = render_publication, .context = &publication};
    enum status status = store_publish(call->store, &event, 1, &answer);
    idempotency_finish(call, status, &success, &answer, NULL);
    event_clear(&event);
}

void handle_event_publish(struct call *call)
{
    struct event_input input;
    struct field_errors errors = {0};
    const char *message = event_input_read(buf_slice(&call->request->body), &input, &errors);
    if (message != NULL)
        call_invalid(call, message, &errors);
    else
        publish(call, &input);
    field_errors_clear(&errors);
    event_input_clear(&input);
}
