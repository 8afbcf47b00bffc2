/* The report of `hookturn status`: the worst subscriptions are picked while all are counted, so that what is kept stays
 * small however many there are. */
#include "cmd/status_report.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"
#include "cmd/table.h"

/* ---- collecting ---- */

static void concern_clear(struct status_concern *concern)
{
    free(concern->name);
    free(concern->host);
}

static char *host_of(const char *text)
{
    struct url url;
    const char *message;
    return mem_strdup(url_parse(text, strlen(text), &url, &message) == STATUS_OK ? url.host : "");
}

static struct status_concern concern_make(const struct store_concern *found)
{
    const struct subscription *subscription = found->subscription;
    return (struct status_concern){.id = subscription->id,
                                   .organization_id = subscription->organization_id,
                                   .name = mem_strdup(subscription->name),
                                   .host = host_of(subscription->url),
                                   .active = subscription->active,
                                   .disabled_reason = subscription->disabled_reason,
                                   .waiting = found->waiting,
                                   .tried = found->tried,
                                   .tried_since_ms = found->tried_since_ms,
                                   .tried_attempts = found->tried_attempts};
}

/* Where it belongs: behind all for which as much waits. */
static size_t place_of(const struct status_report *report, uint64_t waiting)
{
    size_t place = report->concern_count;
    while (place > 0 && report->concerns[place - 1].waiting < waiting)
        place--;
    return place;
}

void status_report_visit(void *context, const struct store_concern *concern)
{
    struct status_report *report = context;
    size_t place = place_of(report, concern->waiting);
    if (report->concern_count == STATUS_CONCERNS_MAX) {
        report->concerns_left_out++;
        if (place == STATUS_CONCERNS_MAX)
            return;
        concern_clear(&report->concerns[--report->concern_count]);
    }
    memmove(report->concerns + place + 1, report->concerns + place,
            (report->concern_count - place) * sizeof report->concerns[0]);
    report->concerns[place] = concern_make(concern);
    report->concern_count++;
}

void status_report_clear(struct status_report *report)
{
    for (size_t i = 0; i < report->concern_count; i++)
        concern_clear(&report->concerns[i]);
    report->concern_count = 0;
}

/* ---- for a person ---- */

/* "1 234 567" */
static void append_count(struct buf *out, uint64_t count)
{
    if (count < 1000) {
        buf_printf(out, "%" PRIu64, count);
        return;
    }
    append_count(out, count / 1000);
    buf_printf(out, " %03" PRIu64, count % 1000);
}

/* The two largest units of "3 d 4 h 12 min 5 s". */
static void append_span(struct buf *out, int64_t span_ms)
{
    static const struct {
        int64_t seconds;
        const char *name;
    } units[] = {{86400, "d"}, {3600, "h"}, {60, "min"}, {1, "s"}};
    enum { UNITS = sizeof units / sizeof units[0] };
    int64_t seconds = span_ms > 0 ? span_ms / 1000 : 0;
    size_t first = 0;
    while (first < UNITS - 1 && seconds < units[first].seconds)
        first++;
    buf_printf(out, "%" PRId64 " %s", seconds / units[first].seconds, units[first].name);
    if (first < UNITS - 1 && seconds % units[first].seconds >= units[first + 1].seconds)
        buf_printf(out, " %" PRId64 " %s", seconds % units[first].seconds / units[first + 1].seconds,
                   units[first + 1].name);
}

/* ", paused 1": left out where it is 0. */
static void append_some(struct buf *out, const char *before, uint64_t count)
{
    if (count == 0)
        return;
    buf_append_text(out, before);
    append_count(out, count);
}

static uint64_t waiting_of(const struct store_overview *overview)
{
    return overview->due + overview->later + overview->in_flight + overview->held;
}

static void print_worker(const struct status_report *report, struct buf *out)
{
    const struct worker_state *worker = &report->worker;
    buf_append_text(out, worker->is_running ? "worker         running" : "worker         not running");
    if (worker->last_run_at_ms != 0) {
        buf_append_text(out, ", last look ");
        append_span(out, report->now_ms - worker->last_run_at_ms);
        buf_append_text(out, " ago");
    }
    if (!worker->is_running && report->worker_is_auto)
        buf_append_text(out, "; publishing starts one, `hookturn deliver --once` delivers what is due now");
    else if (!worker->is_running)
        buf_append_text(out, "; run `hookturn deliver`, by cron or a service manager (`hookturn doctor` says how)");
    buf_append_text(out, "\n");
}

static void print_waiting(const struct status_report *report, struct buf *out)
{
    const struct store_overview *overview = &report->overview;
    buf_append_text(out, "waiting        ");
    append_count(out, waiting_of(overview));
    buf_append_text(out, " deliveries of ");
    append_count(out, overview->waiting_subscriptions);
    buf_append_text(out, " subscriptions (due now ");
    append_count(out, overview->due);
    buf_append_text(out, ", in flight ");
    append_count(out, overview->in_flight);
    buf_append_text(out, ", later ");
    append_count(out, overview->later);
    buf_append_text(out, ", paused or off ");
    append_count(out, overview->held);
    buf_append_text(out, ")\noldest due     ");
    if (overview->oldest_due_ms == 0)
        buf_append_text(out, "nothing is due");
    else
        append_span(out, report->now_ms - overview->oldest_due_ms);
    buf_append_text(out, "\n");
}

static void print_rates(const struct status_report *report, struct buf *out)
{
    struct worker_rates rates = worker_state_rates(&report->worker, report->now_ms);
    buf_append_text(out, "rates          last minute ");
    append_count(out, rates.minute_succeeded);
    buf_append_text(out, " delivered, ");
    append_count(out, rates.minute_failed);
    buf_append_text(out, " failed attempts; last hour ");
    append_count(out, rates.hour_succeeded);
    buf_append_text(out, ", ");
    append_count(out, rates.hour_failed);
    buf_append_text(out, "\n");
}

static void print_subscriptions(const struct store_overview *overview, struct buf *out)
{
    uint64_t off = overview->off_gone + overview->off_failing;
    buf_append_text(out, "subscriptions  ");
    append_count(out, overview->active + overview->paused + off);
    buf_append_text(out, "; active ");
    append_count(out, overview->active);
    buf_append_text(out, ", paused ");
    append_count(out, overview->paused);
    buf_append_text(out, ", switched off ");
    append_count(out, off);
    if (off > 0) {
        buf_append_text(out, " (");
        append_some(out, "GONE ", overview->off_gone);
        append_some(out, overview->off_gone > 0 ? ", FAILING " : "FAILING ", overview->off_failing);
        buf_append_text(out, ")");
    }
    buf_append_text(out, ", failing ");
    append_count(out, overview->failing);
    buf_append_text(out, "\n");
}

static void print_unreadable(const struct store_overview *overview, struct buf *out)
{
    append_some(out, "unreadable     ", overview->unreadable);
    if (overview->unreadable > 0)
        buf_append_text(out, " damaged records, which the log names; restore a backup\n");
}

static const char *const headings[] = {"SUBSCRIPTION", "ORGANIZATION",  "STATE", "WAITING",
                                       "TRIED",        "FAILING SINCE", "HOST",  "NAME"};
enum { COLUMNS = sizeof headings / sizeof headings[0] };

static const char *const states[] = {
    [DISABLED_NOT] = "failing", [DISABLED_GONE] = "off: GONE", [DISABLED_FAILING] = "off: FAILING"};

static void add_number(struct table *table, uint64_t number)
{
    struct buf text = {0};
    append_count(&text, number);
    table_add(table, buf_text(&text));
    buf_clear(&text);
}

static void add_concern(struct table *table, const struct status_concern *concern)
{
    char id[OBJECT_ID_TEXT], organization_id[UUID_TEXT];
    object_id_format(&concern->id, id);
    uuid_format(&concern->organization_id, organization_id);
    table_add(table, id);
    table_add(table, organization_id);
    table_add(table, states[concern->disabled_reason]);
    add_number(table, concern->waiting);
    add_number(table, concern->tried_attempts);
    table_add_time(table, concern->tried_since_ms);
    table_add(table, concern->host);
    table_add(table, concern->name);
}

static void print_concerns(const struct status_report *report, struct buf *out)
{
    struct table table = {.columns = COLUMNS};
    if (report->concern_count == 0)
        return;
    for (size_t i = 0; i < COLUMNS; i++)
        table_add(&table, headings[i]);
    for (size_t i = 0; i < report->concern_count; i++)
        add_concern(&table, &report->concerns[i]);
    buf_append_text(out, "\n");
    table_print(&table, out);
    table_clear(&table);
    append_some(out, "and ", report->concerns_left_out);
    if (report->concerns_left_out > 0)
        buf_append_text(out, " more\n");
}

void status_report_print(const struct status_report *report, struct buf *out)
{
    print_worker(report, out);
    print_waiting(report, out);
    print_rates(report, out);
    print_subscriptions(&report->overview, out);
    print_unreadable(&report->overview, out);
    print_concerns(report, out);
}
