/* What the service says about itself, to anybody: its health and the description of its API. */
#include "config.h"

#include "api/call.h"
#include "api/handle.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "api/openapi_document.h"
#include "api/success.h"
#include "store/worker_state.h"

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* While no worker looks, what was due when the last one did grows older, and new events wait as well: that is when
 * somebody should notice. -1: not known. */
static int64_t oldest_due_seconds(struct store *store, const struct worker_state *worker)
{
    int64_t created_at_ms, now_ms = clock_now_ms();
    int64_t oldest = worker->oldest_due_seconds;
    if (worker->is_running)
        return oldest;
    if (oldest > 0)
        oldest += most(now_ms - worker->last_run_at_ms, 0) / 1000;
    if (store_oldest_new_event(store, &created_at_ms) == STATUS_OK)
        oldest = most(oldest, created_at_ms > 0 ? most(now_ms - created_at_ms, 0) / 1000 : 0);
    return oldest;
}

static void add_worker(json_object *object, struct store *store, const struct conf *conf)
{
    struct worker_state worker;
    worker_state_read(conf->data_dir, &worker);
    json_object *member = json_out_object(object, "worker");
    json_out_bool(member, "running", worker.is_running);
    json_out_set_time(member, "last_run_at", worker.last_run_at_ms);
    int64_t oldest = oldest_due_seconds(store, &worker);
    if (oldest >= 0)
        json_out_integer(member, "oldest_due_seconds", oldest);
}

void handle_healthz(struct call *call)
{
    struct store *store = lazy_store_get(call->lazy_store, call->request);
    if (store == NULL || store_is_leaving(store)) {
        call_fail(call, STATUS_UNAVAILABLE, NULL);
        return;
    }
    struct success success = {.status = 200};
    json_object *object = json_out_new();
    json_out_text(object, "status", "ok");
    json_out_text(object, "version", PACKAGE_VERSION);
    json_out_text(object, "store", store_engine(store));
    add_worker(object, store, call->conf);
    json_out_end(object, &success.body);
    success_send(&success, call);
}

void handle_openapi(struct call *call)
{
    struct success success = {.status = 200};
    buf_append(&success.body, openapi_document, openapi_document_length);
    success_send(&success, call);
}
