/* Publishing, one event or a batch: 202 once all of them and the lists of their deliveries are on disk. */
#include <stdlib.h>

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
    const struct event *events;
    size_t count;
    bool is_batch;
};

static void render_batch(const struct publication *publication, struct buf *body)
{
    buf_append_text(body, "{\"data\":[");
    for (size_t i = 0; i < publication->count; i++) {
        if (i > 0)
            buf_append_text(body, ",");
        event_append_accepted(&publication->events[i], body);
    }
    buf_append_text(body, "]}");
}

/* The store calls it when the events' subscriptions are known. */
static void render_publication(void *context, struct buf *kept)
{
    struct publication *publication = context;
    struct success *success = publication->success;
    success_clear(success);
    success->status = 202;
    if (publication->is_batch)
        render_batch(publication, &success->body);
    else
        event_append_accepted(&publication->events[0], &success->body);
    idempotency_keep(&publication->keeper, kept);
}

/* Moves the input's texts into the event, whose id and time are set. */
static void fill_in(struct event *event, const struct uuid *organization_id, struct event_input *input)
{
    event->organization_id = *organization_id;
    event->name = input->event_name;
    event->trace_id = input->trace_id != NULL ? input->trace_id : event_trace_id_make();
    event->agent_id = input->agent_id;
    event->workspace_id = input->workspace_id;
    event_compose_body(event, input->payload);
    *input = (struct event_input){0};
}

/* The events of a batch have one time, and ids in their order. */
static struct event *make_events(const struct call *call, struct event_inputs *inputs)
{
    struct event *events = mem_calloc(inputs->count, sizeof *events);
    struct object_id id;
    int64_t now_ms = clock_now_ms();
    store_event_id_make(call->store, now_ms, &id);
    for (size_t i = 0; i < inputs->count; i++) {
        events[i].id = id;
        events[i].created_at_ms = now_ms;
        fill_in(&events[i], &call->key.organization_id, &inputs->items[i]);
        object_id_increment(&id);
    }
    return events;
}

static bool has_deliveries(const struct event *events, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (events[i].subscription_count > 0)
            return true;
    return false;
}

static void publish(struct call *call, struct event_inputs *inputs, bool is_batch)
{
    struct event *events = make_events(call, inputs);
    struct success success = {0};
    struct publication publication = {{call, &success}, &success, events, inputs->count, is_batch};
    struct answer answer = {.idempotency = idempotency_of(call), .render = render_publication, .context = &publication};
    enum status status = store_publish(call->store, events, inputs->count, &answer);
    idempotency_finish(call, status, &success, &answer, NULL);
    /* Who repeats may do so because the process that answered first died before it could start a worker. */
    call->response->needs_worker =
        status == STATUS_REPLAY || (status == STATUS_OK && has_deliveries(events, inputs->count));
    for (size_t i = 0; i < inputs->count; i++)
        event_clear(&events[i]);
    free(events);
}

static void handle(struct call *call, bool is_batch)
{
    struct event_inputs inputs;
    struct field_errors errors = {0};
    struct slice body = buf_slice(&call->request->body);
    const char *message =
        is_batch ? event_input_read_batch(body, &inputs, &errors) : event_input_read(body, &inputs, &errors);
    if (message != NULL)
        call_invalid(call, message, &errors);
    else
        publish(call, &inputs, is_batch);
    field_errors_clear(&errors);
    event_inputs_clear(&inputs);
}

void handle_event_publish(struct call *call)
{
    handle(call, false);
}

void handle_event_publish_batch(struct call *call)
{
    handle(call, true);
}
