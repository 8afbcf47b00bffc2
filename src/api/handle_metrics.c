/* The service's own figures for a monitoring system. All of them were left by the workers in a file, or cost a look at
 * some file sizes: however often somebody asks, nothing is counted for him. What is not known is left out. */
#include "config.h"

#include <stdio.h>
#include <string.h>

#include "api/call.h"
#include "api/handle.h"
#include "api/metrics_text.h"
#include "api/success.h"
#include "base/log.h"
#include "store/worker_state.h"

static const struct metrics_label no_label = {NULL, NULL};

static void add_build(struct buf *out, const struct store *store)
{
    static const char name[] = "hookturn_build_info";
    metrics_family(out, name, "gauge", "Always 1; the labels say what runs.");
    buf_printf(out, "%s{version=\"%s\",store=\"%s\"} 1\n", name, PACKAGE_VERSION, store_engine(store));
}

/* ---- the workers ---- */

static void add_time(struct buf *out, const char *name, const char *help, int64_t time_ms)
{
    if (time_ms <= 0)
        return;
    metrics_family(out, name, "gauge", help);
    metrics_seconds(out, name, no_label, time_ms);
}

static void add_worker(struct buf *out, const struct worker_state *worker)
{
    metrics_single(out, "hookturn_worker_running", "gauge", "Whether a delivery worker runs.", worker->is_running);
    add_time(out, "hookturn_worker_last_run_timestamp_seconds", "When a worker last looked for work.",
             worker->last_run_at_ms);
    if (worker->oldest_due_seconds >= 0)
        metrics_single(out, "hookturn_oldest_due_seconds", "gauge",
                       "For how long the oldest delivery that could be sent had been waiting at that time.",
                       (uint64_t)worker->oldest_due_seconds);
}

/* "attempts_timeout" is the outcome "timeout". */
static void add_counts(struct buf *out, const struct worker_counts *counts, const char *name, const char *help,
                       const char *label, int first, int last)
{
    metrics_family(out, name, "counter", help);
    for (int i = first; i <= last; i++) {
        const char *value = strchr(worker_count_name((enum worker_count)i), '_') + 1;
        metrics_sample(out, name, (struct metrics_label){label, value}, counts->of[i]);
    }
}

static void add_durations(struct buf *out, const struct worker_counts *counts)
{
    static const char bucket[] = "hookturn_attempt_duration_seconds_bucket";
    uint64_t sum = 0;
    metrics_family(out, "hookturn_attempt_duration_seconds", "histogram",
                   "How long attempts took, from name resolution to the last byte.");
    for (int i = 0; i < WORKER_DURATION_BUCKETS; i++) {
        int64_t bound_ms = worker_duration_bound_ms(i);
        char bound[32] = "+Inf";
        if (bound_ms != INT64_MAX)
            (void)snprintf(bound, sizeof bound, "%g", (double)bound_ms / 1000);
        sum += counts->of[WORKER_DURATIONS + i];
        metrics_sample(out, bucket, (struct metrics_label){"le", bound}, sum);
    }
    metrics_seconds(out, "hookturn_attempt_duration_seconds_sum", no_label,
                    (int64_t)counts->of[WORKER_DURATION_SUM_MS]);
    metrics_sample(out, "hookturn_attempt_duration_seconds_count", no_label, sum);
}

/* Counters that nobody has begun yet are 0, so that the first attempt shows as one. */
static void add_attempts(struct buf *out, const struct worker_state *worker)
{
    const struct worker_counts *counts = &worker->counts;
    add_counts(out, counts, "hookturn_attempts_total",
               "Attempts by outcome: delivered, another status than 2xx, or why there was no answer.", "outcome",
               WORKER_ATTEMPTS_DELIVERED, WORKER_ATTEMPTS_PROTOCOL);
    add_counts(out, counts, "hookturn_deliveries_total", "Deliveries by their end.", "result",
               WORKER_DELIVERIES_DELIVERED, WORKER_DELIVERIES_FAILED);
    add_durations(out, counts);
    add_time(out, "hookturn_counting_since_timestamp_seconds", "When the counters began.", worker->since_ms);
}

static void add_backlog(struct buf *out, const struct worker_backlog *backlog)
{
    static const char waiting[] = "hookturn_deliveries_waiting", destination[] = "hookturn_destination_due";
    if (backlog->counted_at_ms <= 0)
        return;
    metrics_family(out, waiting, "gauge",
                   "Deliveries that could be sent (due), whose time has not come or that are being sent (later), or "
                   "whose subscription is paused or switched off (paused).");
    metrics_sample(out, waiting, (struct metrics_label){"state", "due"}, backlog->due);
    metrics_sample(out, waiting, (struct metrics_label){"state", "later"}, backlog->later);
    metrics_sample(out, waiting, (struct metrics_label){"state", "paused"}, backlog->held);
    add_time(out, "hookturn_deliveries_counted_timestamp_seconds", "When a worker last had counted what waits.",
             backlog->counted_at_ms);
    metrics_family(out, destination, "gauge", "Deliveries that could be sent, of the hosts that have most of them.");
    for (size_t i = 0; i < backlog->destination_count; i++)
        metrics_sample(out, destination, (struct metrics_label){"host", backlog->destinations[i].host},
                       backlog->destinations[i].due);
}

static void add_failing(struct buf *out, const struct worker_failing *failing)
{
    static const char failures[] = "hookturn_destination_failures", window[] = "hookturn_destination_window";
    metrics_family(out, failures, "gauge", "Failures in a row, of the destinations that have most of them.");
    for (size_t i = 0; i < failing->count; i++)
        metrics_sample(out, failures, (struct metrics_label){"destination", failing->items[i].name},
                       failing->items[i].failures);
    metrics_family(out, window, "gauge", "How many requests at a time the same destinations get for now.");
    for (size_t i = 0; i < failing->count; i++)
        metrics_sample(out, window, (struct metrics_label){"destination", failing->items[i].name},
                       failing->items[i].window);
}

/* ---- the store ---- */

static void add_store(struct buf *out, const struct store_usage *usage)
{
    metrics_single(out, "hookturn_store_data_bytes", "gauge", "Size of the store's files, its log not included.",
                   usage->data_bytes);
    metrics_single(out, "hookturn_store_log_bytes", "gauge", "Size of the store's log.", usage->log_bytes);
    metrics_single(out, "hookturn_store_log_files", "gauge", "Files of the store's log.", usage->log_files);
    metrics_single(out, "hookturn_store_free_bytes", "gauge", "Free space on the store's file system.",
                   usage->free_bytes);
}

void handle_metrics(struct call *call)
{
    struct worker_state worker;
    struct store_usage usage;
    struct success success = {.status = 200, .content_type = METRICS_CONTENT_TYPE};
    worker_state_read(call->conf->data_dir, &worker);
    add_build(&success.body, call->store);
    add_worker(&success.body, &worker);
    add_attempts(&success.body, &worker);
    add_backlog(&success.body, &worker.backlog);
    add_failing(&success.body, &worker.failing);
    if (store_usage(call->store, &usage) == STATUS_OK)
        add_store(&success.body, &usage);
    else
        log_warn("store_usage_unknown", LOG_TEXT("trace_id", call->response->trace_id));
    success_send(&success, call);
    success_clear(&success);
}
