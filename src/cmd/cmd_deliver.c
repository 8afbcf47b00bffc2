/* `hookturn deliver`: the delivery worker. */
#include "cmd/command.h"

#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/process.h"
#include "base/timestamp.h"
#include "cmd/detach.h"
#include "cmd/family.h"
#include "delivery/curl_library.h"
#include "delivery/worker.h"
#include "store/setup.h"
#include "store/worker_lock.h"
#include "store/worker_start.h"

enum { WORKER_LOG_MAX_BYTES = 8 << 20, NOBODY_WAITS = -1 };

struct work {
    const struct conf *conf;
    bool once;
    bool in_background;
    int64_t deadline_ms; /* by the monotonic clock, which parent and children share; 0: none */
    int lock_fd;
};

/* What is left of --for when a child starts: a second one gets the rest, and at least a moment. */
static int64_t remaining_ms(const struct work *work)
{
    if (work->deadline_ms == 0)
        return 0;
    int64_t rest = work->deadline_ms - clock_monotonic_ms();
    return rest > 0 ? rest : 1;
}

static int deliver(void *context)
{
    const struct work *work = context;
    struct store *store;
    bool leaves_work = false;
    int exit_status = command_open_store(work->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    if (setup_is_pending(work->conf->data_dir))
        log_warn("setup_file_unused", LOG_TEXT("data_dir", work->conf->data_dir),
                 LOG_TEXT("cause", "there is a store already: remove the file, it holds a key"));
    const struct worker_options options = {.once = work->once,
                                           .for_ms = remaining_ms(work),
                                           .idle_ms = work->in_background ? work->conf->worker_idle_ms : 0,
                                           .stop = &family_stop,
                                           .lock_fd = work->lock_fd};
    enum status status = worker_run(store, work->conf, &options, &leaves_work);
    store_close(store);
    if (status != STATUS_OK)
        return command_fail_verb(status, "go on delivering");
    if (leaves_work)
        worker_start_if_none(work->conf);
    return EXIT_DONE;
}

/* The parent takes the lock, so that a worker runs for everybody also while its child is started anew. */
static int work_under_lock(void *context, int report)
{
    struct work *work = context;
    struct failure failure;
    if (worker_lock_take(work->conf->data_dir, &work->lock_fd, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    if (report != NOBODY_WAITS)
        detach_report(report);
    worker_start_note_program(work->conf);
    int exit_status = family_run(deliver, work, !work->once && work->deadline_ms == 0);
    close(work->lock_fd);
    return exit_status;
}

/* ---- in the background ---- */

/* Whoever asks for a worker in the background wants one that runs, not two. */
static int go_into_background(struct work *work)
{
    const struct conf *conf = work->conf;
    struct failure failure;
    struct buf log = {0};
    int exit_status = EXIT_DONE;
    if (worker_lock_is_held(conf->data_dir))
        return EXIT_DONE;
    buf_printf(&log, "%s/worker.log", conf->data_dir);
    if (conf->log_file[0] == '\0') {
        if (log_open(conf->log_level, log.data, &failure) != STATUS_OK)
            exit_status = command_fail("%s", failure.text);
        log_bound(WORKER_LOG_MAX_BYTES);
    }
    if (exit_status == EXIT_DONE)
        exit_status = detach_run(work_under_lock, work, log.data);
    buf_clear(&log);
    return exit_status;
}

/* ---- the command ---- */

enum { ONCE, FOR, DETACH };

static int read_arguments(const struct command *command, const struct command_line *line, struct work *out)
{
    const char *duration = line->values[FOR];
    int64_t for_ms = 0;
    out->once = line->values[ONCE];
    out->in_background = line->values[DETACH];
    if (duration && (duration_parse(duration, &for_ms) != STATUS_OK || for_ms == 0 || for_ms > INT64_MAX / 2))
        return command_misused(command, "--for needs a duration such as 55s or 10m");
    if (duration)
        out->deadline_ms = clock_monotonic_ms() + for_ms;
    return EXIT_DONE;
}

static int run(const struct command *command, const struct command_line *line)
{
    struct work work = {0};
    int exit_status = read_arguments(command, line, &work);
    if (exit_status != EXIT_DONE)
        return exit_status;
    if (work.in_background)
        process_close_inherited();
    struct conf conf;
    struct failure failure;
    exit_status = command_prepare(command, line->conf_path, &conf);
    work.conf = &conf;
    if (exit_status == EXIT_DONE && curl_library_open(&failure) != STATUS_OK)
        exit_status = command_fail("%s", failure.text);
    if (exit_status == EXIT_DONE)
        exit_status = work.in_background ? go_into_background(&work) : work_under_lock(&work, NOBODY_WAITS);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_deliver = {
    .name = "deliver",
    .summary = "Sends what was published: the delivery worker",
    .details = "Without options it works until SIGTERM, which ends it cleanly: what is in flight finishes or is "
               "handed back. Several workers may run side by side; they share the work.",
    .examples = "hookturn -c /var/lib/hookturn/hookturn.conf deliver --for 55s\n",
    .options = {[ONCE] = {.name = "--once", .help = "end when nothing is due any more"},
                [FOR] = {.name = "--for",
                         .value = "DURATION",
                         .help = "end after so long (55s, 10m): for cron, where nothing may stay",
                         .is_alternative = true},
                [DETACH] = {.name = "--detach",
                            .help = "where none runs, start one in the background, which ends when nothing has been "
                                    "waiting for `worker_idle`; publishing does this by itself (`worker = auto`). It "
                                    "logs to `log_file`, or else to worker.log in the data directory",
                            .is_alternative = true}},
    .is_service = true,
    .run = run,
};
