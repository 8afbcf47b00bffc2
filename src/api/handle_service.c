/* What the service says about itself, to anybody: its health and the description of its API. */
#include "config.h"

#include "api/call.h"
#include "api/handle.h"
#include "base/json_out.h"
#include "api/openapi_document.h"
#include "api/success.h"
#include "store/worker_state.h"

static void add_worker(json_object *object, const struct conf *conf)
{
    struct worker_state worker;
    worker_state_read(conf->data_dir, &worker);
    json_object *member = json_out_object(object, "worker");
    json_out_bool(member, "running", worker.is_running);
    if (worker.last_run_at_ms != 0)
        json_out_time(member, "last_run_at", worker.last_run_at_ms);
    if (worker.oldest_due_seconds >= 0)
        json_out_integer(member, "oldest_due_seconds", worker.oldest_due_seconds);
}

void handle_healthz(struct call *call)
{
    const struct store *store = lazy_store_get(call->lazy_store);
    if (store == NULL || store_is_leaving(store)) {
        call_fail(call, STATUS_UNAVAILABLE, NULL);
        return;
    }
    struct success success = {.status = 200};
    json_object *object = json_out_new();
    json_out_text(object, "status", "ok");
    json_out_text(object, "version", PACKAGE_VERSION);
    json_out_text(object, "store", store_engine(store));
    add_worker(object, call->conf);
    json_out_end(object, &success.body);
    success_send(&success, call);
}

void handle_openapi(struct call *call)
{
    struct success success = {.status = 200};
    buf_append(&success.body, openapi_document, openapi_document_length);
    success_send(&success, call);
}
