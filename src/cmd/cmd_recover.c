/* `hookturn recover`: all that failed in a window is due again. Each step is a transaction of its own, and what one has
 * made due is no failure any more, so a child that starts anew goes on where the one before it stopped; only the number
 * has to outlive it. */
#include "cmd/command.h"

#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "base/timestamp.h"
#include "cmd/family.h"
#include "cmd/progress.h"
#include "cmd/shared.h"
#include "store/worker_start.h"

struct window {
    struct conf conf;
    const char *text; /* the subscription's id as it was given */
    struct object_id id;
    int64_t since_ms, until_ms;
    uint64_t *requeued; /* shared with the child */
};

/* ---- what is shown ---- */

static void append_requeued(struct buf *out, uint64_t requeued)
{
    buf_printf(out, "%" PRIu64 " %s due again", requeued, text_plural(requeued, "delivery is", "deliveries are"));
}

static int print_result(const struct window *window)
{
    struct buf text = {0};
    append_requeued(&text, *window->requeued);
    buf_append_text(&text, "\n");
    int exit_status = command_print(&text);
    buf_clear(&text);
    return exit_status;
}

static int print_stop(const struct window *window)
{
    char until[TIMESTAMP_SIZE];
    timestamp_format(window->until_ms, until);
    struct buf text = {0};
    append_requeued(&text, *window->requeued);
    int exit_status = command_fail("stopped; %s; the same with --until %s goes on from here", buf_text(&text), until);
    buf_clear(&text);
    return exit_status;
}

/* ---- the child ---- */

static enum status recover_all(struct store *store, const struct window *window, const struct uuid *organization_id)
{
    struct recovery recovery = {.organization_id = organization_id,
                                .subscription_id = &window->id,
                                .since_ms = window->since_ms,
                                .until_ms = window->until_ms,
                                .has_more = true};
    enum status status = STATUS_OK;
    struct progress shown;
    const struct store_progress progress = progress_begin(&shown);
    bool goes_on = !family_stop;
    while (goes_on && recovery.has_more) {
        status = store_recover(store, clock_now_ms(), &recovery, NULL);
        if (status != STATUS_OK)
            break;
        *window->requeued += recovery.requeued;
        goes_on = progress.report(progress.context, "due again", *window->requeued, 0);
    }
    progress_end(&shown);
    return status;
}

static int report(const struct window *window, enum status status)
{
    if (status == STATUS_NOT_FOUND)
        return command_fail("there is no subscription %s", window->text);
    if (status != STATUS_OK)
        return command_fail_verb(status, "recover the deliveries");
    return family_stop ? print_stop(window) : print_result(window);
}

static int work(void *context)
{
    const struct window *window = context;
    struct store *store;
    struct uuid organization_id;
    int exit_status = command_open_store(&window->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    enum status status = store_subscription_owner(store, &window->id, &organization_id);
    if (status == STATUS_OK)
        status = recover_all(store, window, &organization_id);
    store_close(store);
    exit_status = report(window, status);
    if (*window->requeued > 0)
        worker_start_if_none(&window->conf);
    return exit_status;
}

/* ---- the parent ---- */

enum { SINCE, UNTIL };
enum { SUBSCRIPTION };

/* What fails again while this runs is later than its start, and is not taken a second time. */
static int read_window(const struct command *command, const struct command_line *line, struct window *out)
{
    out->text = line->operands[SUBSCRIPTION];
    out->until_ms = clock_now_ms();
    if (object_id_parse(out->text, &out->id) != STATUS_OK)
        return command_misused(command, "a SUBSCRIPTION is its id, 24 digits of 0-9a-f");
    if (timestamp_parse(line->values[SINCE], &out->since_ms) != STATUS_OK)
        return command_misused(command, "--since needs a time such as 2026-06-12T10:15:00Z");
    if (line->values[UNTIL] && timestamp_parse(line->values[UNTIL], &out->until_ms) != STATUS_OK)
        return command_misused(command, "--until needs a time such as 2026-06-12T10:15:00Z");
    if (out->since_ms > out->until_ms)
        return command_misused(command, "--since is later than the end of the window");
    return EXIT_DONE;
}

static int run_window(const struct command *command, const char *conf_path, struct window *window)
{
    int exit_status = command_prepare(command, conf_path, &window->conf);
    if (exit_status == EXIT_DONE)
        exit_status = family_run(work, window, false);
    conf_clear(&window->conf);
    return exit_status;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct window window;
    int exit_status = read_window(command, line, &window);
    if (exit_status != EXIT_DONE)
        return exit_status;
    window.requeued = shared_new(sizeof *window.requeued);
    if (!window.requeued)
        return EXIT_FAILED;
    exit_status = run_window(command, line->conf_path, &window);
    shared_free(window.requeued, sizeof *window.requeued);
    return exit_status;
}

const struct command command_recover = {
    .name = "recover",
    .summary = "Sends again what failed for one subscription in a window of time",
    .details =
        "Every delivery of SUBSCRIPTION that ended in failure at --since or later and before --until is due again, "
        "those that failed first, with a fresh budget of retries. It counts when a delivery failed for good, not when "
        "its event was published.\n"
        "It goes on in steps of 500 until nothing is left, and shows how far it came on a terminal. Without --until "
        "the window ends where the command starts, so what fails again meanwhile is not taken a second time. A command "
        "that was stopped can be given again: what is due already is not made due twice.\n"
        "A TIME is one of RFC 3339, with its offset: 2026-06-12T10:15:00Z or 2026-06-12T12:15:00+02:00.",
    .examples = "hookturn recover 01a207df35614909f0073997 --since 2026-06-12T10:00:00Z --until 2026-06-12T12:00:00Z\n",
    .options =
        {[SINCE] = {.name = "--since", .value = "TIME", .help = "what failed then or later", .is_required = true},
         [UNTIL] = {.name = "--until", .value = "TIME", .help = "what failed before (now)"}},
    .operands = {[SUBSCRIPTION] = {.name = "SUBSCRIPTION", .help = "its id, 24 digits"}},
    .run = run,
};
