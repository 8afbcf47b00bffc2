/* `hookturn deliver`: the delivery worker. */
#include "cmd/command.h"

#include <stddef.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "cmd/family.h"
#include "delivery/worker.h"
#include "store/worker_state.h"

struct work {
    const struct conf *conf;
    bool once;
    int64_t deadline_ms; /* by the monotonic clock, which parent and children share; 0: none */
};

/* What is left of --for when a child starts: a second one gets the rest, and at least a moment. */
static int64_t remaining_ms(const struct work *work)
{
    if (work->deadline_ms == 0)
        return 0;
    int64_t rest = work->deadline_ms - clock_monotonic_ms();
    return rest > 0 ? rest : 1;
}

static int work_with(struct store *store, const struct work *work)
{
    struct failure failure;
    int lock_fd;
    if (worker_state_hold(work->conf->data_dir, &lock_fd, &failure) != STATUS_OK)
        return command_fail("%s", failure.text);
    const struct worker_options options = {.once = work->once, .for_ms = remaining_ms(work), .stop = &family_stop};
    enum status status = worker_run(store, work->conf, &options);
    close(lock_fd);
    return status == STATUS_OK ? EXIT_DONE : command_fail_verb(status, "go on delivering");
}

static int deliver(void *context)
{
    const struct work *work = context;
    struct store *store;
    int exit_status = command_open_store(work->conf, &store);
    if (exit_status != EXIT_DONE)
        return exit_status;
    exit_status = work_with(store, work);
    store_close(store);
    return exit_status;
}

static int read_arguments(const struct command *command, int argc, char **argv, struct work *out)
{
    const char *duration = NULL;
    const struct command_option options[] = {{"--once", NULL, &out->once}, {"--for", &duration, NULL}, {0}};
    int exit_status = command_take_options(command, options, &argc, argv);
    if (exit_status != EXIT_DONE)
        return exit_status;
    if (argc > 1)
        return command_misused(command, "%s is not understood", argv[1]);
    if (out->once && duration)
        return command_misused(command, "--once and --for do not go together");
    int64_t for_ms = 0;
    if (duration && (duration_parse(duration, &for_ms) != STATUS_OK || for_ms == 0 || for_ms > INT64_MAX / 2))
        return command_misused(command, "--for needs a duration such as 55s or 10m");
    if (duration)
        out->deadline_ms = clock_monotonic_ms() + for_ms;
    return EXIT_DONE;
}

static int run(const struct command *command, const char *conf_path, int argc, char **argv)
{
    struct work work = {0};
    int exit_status = read_arguments(command, argc, argv, &work);
    if (exit_status != EXIT_DONE)
        return exit_status;
    struct conf conf;
    exit_status = command_prepare(command, conf_path, &conf);
    work.conf = &conf;
    if (exit_status == EXIT_DONE)
        exit_status = family_run(deliver, &work, !work.once && work.deadline_ms == 0);
    conf_clear(&conf);
    return exit_status;
}

const struct command command_deliver = {
    .name = "deliver",
    .synopsis = "[--once | --for DURATION]",
    .summary = "Sends what was published: the delivery worker",
    .details = "Without options it works until SIGTERM, which ends it cleanly: what is in flight finishes or is\n"
               "handed back. Several workers may run side by side; they share the work.\n"
               "\n"
               "  --once           end when nothing is due any more\n"
               "  --for DURATION   end after so long (55s, 10m): for cron, where nothing may stay\n",
    .is_service = true,
    .run = run,
};
