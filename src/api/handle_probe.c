/* "Is the receiver ready for the new secret alone?": asking, which leaves the work to the worker, and what came of it.
 */
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "base/json_out.h"
#include "model/probe.h"

/* ---- the object ---- */

static void add_reply(json_object *object, const char *name, const struct probe_reply *reply)
{
    json_object *member = json_out_object(object, name);
    if (probe_reply_is_answer(reply)) {
        json_out_integer(member, "response_status", reply->response_status);
        json_out_integer(member, "duration_ms", reply->duration_ms);
    } else {
        json_out_text(member, "error", attempt_error_name(reply->error));
    }
}

static void add_verdict(json_object *object, const struct probe *probe)
{
    json_out_time(object, "finished_at", probe->finished_at_ms);
    json_out_bool(object, "new_secret_accepted", probe_new_secret_accepted(probe));
    json_out_bool(object, "forged_rejected", probe_forged_rejected(probe));
    json_out_bool(object, "ready", probe_is_ready(probe));
    add_reply(object, "new_secret", &probe->replies[PROBE_NEW_SECRET]);
    add_reply(object, "forged", &probe->replies[PROBE_FORGED]);
}

static void render_probe(const struct probe *probe, int http_status, struct success *success)
{
    json_object *object = json_out_new();
    success_clear(success);
    success->status = http_status;
    json_out_text(object, "status", probe_status_name(probe->status));
    json_out_time(object, "requested_at", probe->requested_at_ms);
    if (probe->status == PROBE_DONE)
        add_verdict(object, probe);
    json_out_end(object, &success->body);
}

/* ---- asking ---- */

struct asking {
    struct keeper keeper;
    struct success *success;
    const struct probe *probe;
};

static void render_asking(void *context, struct buf *kept)
{
    struct asking *asking = context;
    render_probe(asking->probe, 202, asking->success);
    idempotency_keep(&asking->keeper, kept);
}

static const char *message_for(enum status status)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        return "no such subscription";
    case STATUS_CONFLICT:
        return "the subscription is not signed: it has no secret to probe";
    default:
        return NULL;
    }
}

void handle_probe_request(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct probe probe = {.status = PROBE_PENDING};
    struct success success = {0};
    struct asking asking = {{call, &success}, &success, &probe};
    struct answer answer = {.idempotency = idempotency_of(call), .render = render_asking, .context = &asking};
    enum status status = store_probe_request(call->store, &call->key.organization_id, &id, &probe, &answer);
    idempotency_finish(call, status, &success, &answer, message_for(status));
    /* A repeat as well: the process that answered first may have died before it could start a worker. */
    call->response->needs_worker = status == STATUS_OK || status == STATUS_REPLAY;
}

/* ---- what came of it ---- */

void handle_probe_get(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct probe probe;
    struct success success = {0};
    enum status status = store_probe_get(call->store, &call->key.organization_id, &id, &probe);
    if (status == STATUS_OK) {
        render_probe(&probe, 200, &success);
        success_send(&success, call);
    } else {
        call_fail(call, status, status == STATUS_NOT_FOUND ? "no such subscription, or it was never probed" : NULL);
    }
    success_clear(&success);
}
