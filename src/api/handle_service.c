/* What the service says about itself, to anybody: its health and the description of its API. */
#include "config.h"

#include "api/call.h"
#include "api/handle.h"
#include "api/json_write.h"
#include "api/openapi_document.h"
#include "api/success.h"
#include "store/worker_state.h"

static void write_worker(struct json_writer *writer, const struct conf *conf)
{
    struct worker_state worker;
    worker_state_read(conf->data_dir, &worker);
    json_write_open(writer, "worker", '{');
    json_write_bool(writer, "running", worker.is_running);
    if (worker.last_run_at_ms != 0)
        json_write_time(writer, "last_run_at", worker.last_run_at_ms);
    if (worker.oldest_due_seconds >= 0)
        json_write_integer(writer, "oldest_due_seconds", worker.oldest_due_seconds);
    json_write_close(writer, '}');
}

void handle_healthz(struct call *call)
{
    const struct store *store = lazy_store_get(call->lazy_store);
    if (store == NULL || store_is_leaving(store)) {
        call_fail(call, STATUS_UNAVAILABLE, NULL);
        return;
    }
    struct success success = {.status = 200};
    struct json_writer writer = {.out = &success.body};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "status", "ok");
    json_write_text(&writer, "version", PACKAGE_VERSION);
    json_write_text(&writer, "store", store_engine(store));
    write_worker(&writer, call->conf);
    json_write_close(&writer, '}');
    success_send(&success, call);
}

void handle_openapi(struct call *call)
{
    struct success success = {.status = 200};
    buf_append(&success.body, openapi_document, openapi_document_length);
    success_send(&success, call);
}
