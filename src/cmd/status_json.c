/* The report of `hookturn status --json`. Its members are described in the command's help. */
#include "cmd/status_report.h"

#include "base/json_out.h"

static void add_count(json_object *parent, const char *name, uint64_t count)
{
    json_out_integer(parent, name, count <= INT64_MAX ? (int64_t)count : INT64_MAX);
}

static void add_worker(json_object *root, const struct status_report *report)
{
    json_object *object = json_out_object(root, "worker");
    json_out_bool(object, "running", report->worker.is_running);
    json_out_text(object, "mode", report->worker_is_auto ? "auto" : "manual");
    json_out_set_time(object, "last_run_at", report->worker.last_run_at_ms);
}

static void add_waiting(json_object *root, const struct status_report *report)
{
    const struct store_overview *overview = &report->overview;
    json_object *object = json_out_object(root, "waiting");
    add_count(object, "deliveries", overview->due + overview->in_flight + overview->later + overview->held);
    add_count(object, "subscriptions", overview->waiting_subscriptions);
    add_count(object, "due", overview->due);
    add_count(object, "in_flight", overview->in_flight);
    add_count(object, "later", overview->later);
    add_count(object, "held", overview->held);
    json_out_set_time(object, "oldest_due_at", overview->oldest_due_ms);
}

static void add_rate(json_object *rates, const char *name, uint64_t succeeded, uint64_t failed)
{
    json_object *object = json_out_object(rates, name);
    add_count(object, "succeeded", succeeded);
    add_count(object, "failed", failed);
}

/* Left out where no worker has counted anything yet. */
static void add_attempts(json_object *root, const struct status_report *report)
{
    const struct worker_state *worker = &report->worker;
    if (worker->since_ms == 0)
        return;
    struct worker_rates rates = worker_state_rates(worker, report->now_ms);
    json_object *object = json_out_object(root, "rates");
    add_rate(object, "last_minute", rates.minute_succeeded, rates.minute_failed);
    add_rate(object, "last_hour", rates.hour_succeeded, rates.hour_failed);
    object = json_out_object(root, "counts");
    json_out_time(object, "since", worker->since_ms);
    for (int i = 0; i < WORKER_DURATIONS; i++)
        add_count(object, worker_count_name((enum worker_count)i), worker->counts.of[i]);
}

static void add_subscriptions(json_object *root, const struct store_overview *overview)
{
    json_object *object = json_out_object(root, "subscriptions");
    add_count(object, "active", overview->active);
    add_count(object, "failing", overview->failing);
    add_count(object, "paused", overview->paused);
    add_count(object, "off_gone", overview->off_gone);
    add_count(object, "off_failing", overview->off_failing);
}

static void add_concern(json_object *array, const struct status_concern *concern)
{
    char id[OBJECT_ID_TEXT], organization_id[UUID_TEXT];
    object_id_format(&concern->id, id);
    uuid_format(&concern->organization_id, organization_id);
    json_object *object = json_out_object(array, NULL);
    json_out_text(object, "subscription_id", id);
    json_out_text(object, "organization_id", organization_id);
    json_out_text(object, "name", concern->name);
    json_out_text(object, "host", concern->host);
    json_out_bool(object, "active", concern->active);
    if (concern->disabled_reason != DISABLED_NOT)
        json_out_text(object, "disabled_reason", concern->disabled_reason == DISABLED_GONE ? "GONE" : "FAILING");
    add_count(object, "waiting", concern->waiting);
    add_count(object, "waiting_tried", concern->tried);
    json_out_set_time(object, "failing_since", concern->tried_since_ms);
    if (concern->tried_since_ms != 0)
        add_count(object, "attempt_count", concern->tried_attempts);
}

void status_report_print_json(const struct status_report *report, struct buf *out)
{
    json_object *root = json_out_new();
    json_out_time(root, "at", report->now_ms);
    add_worker(root, report);
    add_waiting(root, report);
    add_attempts(root, report);
    add_subscriptions(root, &report->overview);
    add_count(root, "unreadable", report->overview.unreadable);
    json_object *array = json_out_array(root, "concerns");
    for (size_t i = 0; i < report->concern_count; i++)
        add_concern(array, &report->concerns[i]);
    add_count(root, "concerns_left_out", report->concerns_left_out);
    json_out_end(root, out);
    buf_append_text(out, "\n");
}
