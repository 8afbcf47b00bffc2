/* `hookturn status`: how things stand, at a glance. It is printed when the store is closed, so that a reader who goes
 * away never ends a process inside the store. */
#include "cmd/command.h"

#include "base/clock.h"
#include "cmd/family.h"
#include "cmd/status_report.h"

struct look {
    const struct conf *conf;
    bool is_json;
};

static int show(const struct look *look, const struct status_report *report)
{
    struct buf text = {0};
    if (look->is_json)
        status_report_print_json(report, &text);
    else
        status_report_print(report, &text);
    int exit_status = command_print(&text);
    buf_clear(&text);
    return exit_status;
}

static int work(void *context)
{
    const struct look *look = context;
    struct store *store;
    int exit_status = command_open_store(look->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    struct status_report report = {.now_ms = clock_now_ms(), .worker_is_auto = look->conf->worker_is_auto};
    enum status status = store_overview(store, report.now_ms, status_report_visit, &report, &report.overview);
    worker_state_read(look->conf->data_dir, &report.worker);
    store_close(store);
    exit_status = status == STATUS_OK ? show(look, &report) : command_fail_verb(status, "read the store");
    status_report_clear(&report);
    return exit_status;
}

enum { JSON };

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct look look = {.conf = &conf, .is_json = line->values[JSON]};
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(work, &look, false);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_status = {
    .name = "status",
    .summary = "Shows what waits, the rates, and which subscriptions fail",
    .details =
        "Deliveries wait because they are due now, are in flight, are due later (the next attempt of those that "
        "failed), or because their subscription is paused or switched off. A subscription is failing while something "
        "that waits for it was tried in vain at least once; what has ended as FAILED no longer counts. GONE and "
        "FAILING are the reasons for which the service has switched one off. Those for which most waits come first, "
        "20 at most. Rates are what all workers attempted.\n"
        "--json prints one object: at; worker {running, mode, last_run_at}; waiting {deliveries, subscriptions, due, "
        "in_flight, later, held, oldest_due_at}; rates {last_minute {succeeded, failed}, last_hour {succeeded, "
        "failed}}; counts {since, attempts_delivered, attempts_status, attempts_timeout, attempts_connect, "
        "attempts_dns, attempts_tls, attempts_blocked, attempts_too_large, attempts_protocol, deliveries_delivered, "
        "deliveries_failed}, which only rise; subscriptions {active, failing, paused, off_gone, off_failing}; "
        "unreadable, records that are damaged; concerns, an array of {subscription_id, organization_id, name, host, "
        "active, disabled_reason, waiting, "
        "waiting_tried, failing_since, attempt_count}, the last two of the oldest delivery that was tried in vain; "
        "concerns_left_out. Members without a value are left out.",
    .examples = "hookturn status --json | jq -r '.concerns[] | [.subscription_id, .host] | @tsv'\n",
    .options = {[JSON] = {.name = "--json", .help = "print an object instead of the report"}},
    .run = run,
};
