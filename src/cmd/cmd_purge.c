/* `hookturn purge`: the worker's housekeeping, now and to its end. */
#include "cmd/command.h"

#include <inttypes.h>

#include "base/clock.h"
#include "base/text.h"
#include "cmd/family.h"
#include "cmd/progress.h"
#include "cmd/shared.h"

struct purge {
    const struct conf *conf;
    struct upkeep_counts *done; /* shared with the children: another one goes on where one had to leave */
};

static uint64_t sum(const struct upkeep_counts *counts)
{
    return counts->expired + counts->surplus + counts->deliveries + counts->events + counts->answers +
           counts->subscriptions;
}

/* A pass may cancel what the next one deletes: until one finds nothing. */
static enum status purge_all(struct purge *purge, struct store *store)
{
    const struct upkeep_limits limits = {purge->conf->retention_ms, (uint64_t)purge->conf->max_waiting};
    struct upkeep_state state = {.only_waiting = false};
    uint64_t before = sum(purge->done);
    enum status status = STATUS_OK;
    struct progress shown;
    const struct store_progress progress = progress_begin(&shown);
    bool goes_on = !family_stop;
    while (status == STATUS_OK && goes_on) {
        bool is_done = false;
        status = store_upkeep(store, clock_now_ms(), &limits, &state, purge->done, &is_done);
        goes_on = progress.report(progress.context, "removed or cancelled", sum(purge->done), 0);
        if (status != STATUS_OK || !is_done)
            continue;
        if (sum(purge->done) == before)
            break;
        before = sum(purge->done);
    }
    progress_end(&shown);
    return status;
}

static void append_count(struct buf *out, const char *before, uint64_t count, const char *one, const char *many)
{
    buf_printf(out, "%s%" PRIu64 " %s", before, count, text_plural(count, one, many));
}

static int print_done(const struct upkeep_counts *done)
{
    struct buf text = {0};
    append_count(&text, "cancelled ", done->expired + done->surplus, "waiting delivery", "waiting deliveries");
    append_count(&text, "; deleted ", done->deliveries, "delivery", "deliveries");
    append_count(&text, ", ", done->events, "event", "events");
    append_count(&text, ", ", done->answers, "kept answer", "kept answers");
    append_count(&text, " and ", done->subscriptions, "deleted subscription", "deleted subscriptions");
    buf_append_text(&text, "\n");
    int exit_status = command_print(&text);
    buf_clear(&text);
    return exit_status;
}

static int work(void *context)
{
    struct purge *purge = context;
    struct store *store;
    int exit_status = command_open_store(purge->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = purge_all(purge, store);
    store_close(store);
    if (status != STATUS_OK)
        return command_fail_verb(status, "go on purging");
    exit_status = print_done(purge->done);
    return family_stop ? command_fail("stopped before the end; run it again, it goes on from there") : exit_status;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct conf conf;
    struct purge purge = {.conf = &conf};
    purge.done = shared_new(sizeof *purge.done);
    if (!purge.done)
        return EXIT_FAILED;
    int exit_status = command_prepare(command, line->conf_path, &conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(work, &purge, false);
    conf_clear(&conf);
    shared_free(purge.done, sizeof *purge.done);
    return exit_status;
}

const struct command command_purge = {
    .name = "purge",
    .summary = "Applies `retention` and `max_waiting` now",
    .details =
        "Does at once what the delivery worker does little by little: waiting deliveries that are too old or too many "
        "are cancelled; finished ones are deleted with their attempts when `retention` is over, and events with the "
        "last of their deliveries; so are answers that were kept for repeated requests, and what deleted subscriptions "
        "left behind. Other programs may run meanwhile.",
    .run = run,
};
