/* The worker's loop: when to claim, how long to wait, when to end. What is claimed and sent is the dispatcher's.
 *
 *     notice what happened -> claim and start -> wait for the network -> settle what ended
 *
 * A claim is a transaction, so claims are made for several free places at once where there is much to do; but nobody
 * waits for a claim longer than BATCH_WAIT_MS. */
#include "delivery/worker.h"

#include <poll.h>

#include "base/clock.h"
#include "base/log.h"
#include "delivery/dispatch.h"
#include "delivery/survey.h"
#include "delivery/upkeep.h"
#include "store/worker_lock.h"
#include "store/worker_state.h"

#define BATCH_WAIT_MS INT64_C(2)
/* Others may publish without waking, or hand claims back. */
#define LOOK_EVERY_MS INT64_C(250)
#define HOUSEKEEPING_EVERY_MS INT64_C(1000)
#define PAUSE_MIN_MS INT64_C(50)
#define PAUSE_MAX_MS INT64_C(1000)
/* `once` is for cron, which comes again: it does not wait longer than this for a store that takes nothing. */
#define PATIENCE_MS INT64_C(10000)
/* Nor does it do housekeeping for longer. */
#define UPKEEP_ONCE_MS INT64_C(2000)

/* A verb of the store that fails for now. */
struct trouble {
    int64_t since_ms; /* 0: none */
    int64_t pause_ms;
    int64_t until_ms; /* not to be tried before */
};

/* All times are clock_monotonic_ms but `last.next_due_ms`. */
struct worker {
    struct store *store;
    const struct conf *conf;
    const struct worker_options *options;
    struct dispatch *dispatch;
    struct survey *survey;
    int64_t ends_at_ms;
    int64_t busy_at_ms; /* the last time that it was not idle */
    int64_t housekeeping_at_ms;
    bool wants_claim;
    int64_t claimed_at_ms;
    struct claim_round last;
    size_t in_flight_then; /* just after the last claim */
    struct trouble claiming;
    struct trouble settling;
    bool state_is_unwritten; /* and that was logged */
    struct upkeep upkeep;
};

static int64_t least(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t most(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- trouble ---- */

/* STATUS_OK: go on (perhaps after a pause); else the status to end with. */
static enum status bear(struct worker *worker, struct trouble *trouble, const char *what, enum status status)
{
    if (status == STATUS_OK) {
        *trouble = (struct trouble){0};
        return STATUS_OK;
    }
    int64_t now_ms = clock_monotonic_ms();
    bool is_passing = status == STATUS_AGAIN || status == STATUS_FULL || status == STATUS_IO;
    if (trouble->since_ms == 0)
        trouble->since_ms = now_ms;
    if (!is_passing || (worker->options->once && now_ms - trouble->since_ms > PATIENCE_MS)) {
        log_error("worker_cannot_go_on", LOG_TEXT("doing", what), LOG_TEXT("status", status_name(status)));
        return status;
    }
    trouble->pause_ms = least(most(trouble->pause_ms * 2, PAUSE_MIN_MS), PAUSE_MAX_MS);
    trouble->until_ms = now_ms + trouble->pause_ms;
    log_warn("worker_pauses", LOG_TEXT("doing", what), LOG_TEXT("status", status_name(status)),
             LOG_NUMBER("pause_ms", trouble->pause_ms));
    return STATUS_OK;
}

/* ---- once a second ---- */

static void write_state(struct worker *worker)
{
    struct store_statistics statistics;
    struct worker_failing failing;
    int64_t now_ms = clock_now_ms();
    if (store_statistics(worker->store, now_ms, &statistics) != STATUS_OK)
        return;
    int64_t oldest_ms = statistics.oldest_due_ms > 0 ? most(now_ms - statistics.oldest_due_ms, 0) : 0;
    dispatch_failing(worker->dispatch, &failing);
    enum status status =
        worker_state_write(worker->conf->data_dir, now_ms, oldest_ms / 1000, survey_result(worker->survey), &failing,
                           dispatch_counts(worker->dispatch)); /* kept where it fails */
    if (status != STATUS_OK && !worker->state_is_unwritten)
        log_warn("worker_state_unwritten", LOG_TEXT("status", status_name(status)));
    worker->state_is_unwritten = status != STATUS_OK;
}

static void keep_house(struct worker *worker, int64_t now_ms)
{
    if (now_ms < worker->housekeeping_at_ms)
        return;
    worker->housekeeping_at_ms = now_ms + HOUSEKEEPING_EVERY_MS;
    (void)store_maintain(worker->store); /* the engine logs; a store that is lost shows in the next verb */
    survey_step(worker->survey, worker->store, clock_now_ms());
    write_state(worker);
}

/* ---- when to claim ---- */

static bool was_woken(struct worker *worker)
{
    struct pollfd wake = {.fd = store_wake_fd(worker->store), .events = POLLIN};
    if (wake.fd < 0 || poll(&wake, 1, 0) <= 0)
        return false;
    store_wake_drain(worker->store);
    return true;
}

/* The last claim left something behind, and there is a reason to think that it can start now. */
static bool has_more(const struct worker *worker)
{
    size_t in_flight = dispatch_in_flight(worker->dispatch);
    return worker->last.may_have_more &&
           (worker->last.started > 0 || in_flight < worker->in_flight_then || in_flight == 0);
}

static bool is_due(const struct worker *worker)
{
    return worker->last.next_due_ms <= clock_now_ms();
}

static void notice(struct worker *worker, int64_t now_ms)
{
    bool is_time = now_ms - worker->claimed_at_ms >= LOOK_EVERY_MS;
    bool is_wanted = was_woken(worker) || is_time || is_due(worker) || has_more(worker);
    worker->wants_claim |= is_wanted;
}

/* Several places at once where the last claim filled many. */
static bool is_worth_it(const struct worker *worker, int64_t now_ms)
{
    size_t in_flight = dispatch_in_flight(worker->dispatch);
    bool is_quarter_free = worker->last.started > 0 && in_flight * 4 <= worker->in_flight_then * 3;
    return is_quarter_free || now_ms - worker->claimed_at_ms >= BATCH_WAIT_MS;
}

static enum status claim(struct worker *worker, int64_t now_ms)
{
    if (!worker->wants_claim || now_ms < worker->claiming.until_ms || dispatch_room(worker->dispatch) == 0 ||
        !is_worth_it(worker, now_ms))
        return STATUS_OK;
    worker->wants_claim = false;
    worker->claimed_at_ms = now_ms;
    enum status status = dispatch_claim(worker->dispatch, &worker->last);
    worker->in_flight_then = dispatch_in_flight(worker->dispatch);
    if (status == STATUS_OK && worker->last.claimed > 0 && worker->last.started == 0)
        worker->claiming.until_ms = now_ms + PAUSE_MIN_MS; /* all handed back: not at once again */
    else
        status = bear(worker, &worker->claiming, "claim", status);
    worker->wants_claim |= worker->claiming.since_ms != 0;
    return status;
}

static enum status settle(struct worker *worker)
{
    if (dispatch_unsettled(worker->dispatch) == 0 || clock_monotonic_ms() < worker->settling.until_ms)
        return STATUS_OK;
    return bear(worker, &worker->settling, "settle", dispatch_settle(worker->dispatch));
}

/* ---- how long to wait ---- */

static int64_t next_claim_ms(const struct worker *worker, int64_t now_ms)
{
    int64_t at_ms = worker->claimed_at_ms + (worker->wants_claim ? BATCH_WAIT_MS : LOOK_EVERY_MS);
    if (worker->last.next_due_ms != INT64_MAX)
        at_ms = least(at_ms, now_ms + most(worker->last.next_due_ms - clock_now_ms(), BATCH_WAIT_MS));
    return most(at_ms, worker->claiming.until_ms);
}

static int64_t wait_ms(struct worker *worker)
{
    int64_t now_ms = clock_monotonic_ms();
    int64_t until_ms = least(now_ms + LOOK_EVERY_MS, least(worker->housekeeping_at_ms, worker->ends_at_ms));
    until_ms = least(until_ms, worker->upkeep.next_at_ms);
    worker->wants_claim |= has_more(worker);
    if (dispatch_room(worker->dispatch) > 0)
        until_ms = least(until_ms, next_claim_ms(worker, now_ms));
    if (dispatch_unsettled(worker->dispatch) > 0)
        until_ms = least(until_ms, worker->settling.until_ms);
    return most(until_ms - now_ms, 0);
}

/* ---- the end ---- */

static bool is_asked_to_stop(const struct worker *worker)
{
    return worker->options->stop && *worker->options->stop;
}

static bool must_end(const struct worker *worker, int64_t now_ms)
{
    return is_asked_to_stop(worker) || now_ms >= worker->ends_at_ms;
}

static bool has_nothing_due(const struct worker *worker)
{
    return !worker->wants_claim && !worker->last.may_have_more && !worker->last.waits_for_others && !is_due(worker) &&
           dispatch_in_flight(worker->dispatch) == 0 && dispatch_unsettled(worker->dispatch) == 0;
}

/* Retries that wait are a reason to stay: nobody else may come by when they are due. */
static bool is_idle(const struct worker *worker)
{
    return has_nothing_due(worker) && worker->last.next_due_ms == INT64_MAX;
}

static bool is_done(const struct worker *worker)
{
    const struct worker_options *options = worker->options;
    if (options->once && has_nothing_due(worker))
        return true;
    return options->idle_ms > 0 && is_idle(worker) && clock_monotonic_ms() - worker->busy_at_ms >= options->idle_ms;
}

static void let_go(const struct worker *worker)
{
    if (worker->options->lock_fd >= 0)
        worker_lock_let_go(worker->options->lock_fd);
}

/* Nothing is left to do; but until here publishers saw that a worker runs. Whoever commits from now on sees none. */
static enum status look_again(struct worker *worker, bool *is_over)
{
    let_go(worker);
    worker->claimed_at_ms = clock_monotonic_ms();
    enum status status = bear(worker, &worker->claiming, "claim", dispatch_claim(worker->dispatch, &worker->last));
    worker->in_flight_then = dispatch_in_flight(worker->dispatch);
    worker->wants_claim |= worker->claiming.since_ms != 0;
    *is_over = status == STATUS_OK && is_done(worker);
    if (!*is_over && worker->options->lock_fd >= 0)
        worker_lock_take_again(worker->options->lock_fd);
    return status;
}

/* Takes over what came in, so that it counts among what is due. */
static bool left_work_behind(struct worker *worker)
{
    struct store_statistics statistics;
    size_t none;
    int64_t next_due_ms, now_ms = clock_now_ms();
    return !is_asked_to_stop(worker) &&
           store_claim(worker->store, now_ms, 0, NULL, NULL, &none, &next_due_ms) == STATUS_OK &&
           store_statistics(worker->store, now_ms, &statistics) == STATUS_OK &&
           (statistics.oldest_due_ms != 0 || statistics.has_probe_due);
}

/* What is in flight may finish for a while; the rest is another worker's. */
static enum status wind_down(struct worker *worker)
{
    int64_t ends_at_ms = clock_monotonic_ms() + WORKER_STOP_GRACE_MS;
    let_go(worker);
    enum status status = settle(worker);
    while (status == STATUS_OK && clock_monotonic_ms() < ends_at_ms && !store_is_leaving(worker->store) &&
           dispatch_in_flight(worker->dispatch) + dispatch_unsettled(worker->dispatch) > 0) {
        dispatch_run(worker->dispatch, least(PAUSE_MIN_MS, ends_at_ms - clock_monotonic_ms()), -1);
        status = settle(worker);
    }
    if (status != STATUS_OK)
        return status;
    if (store_is_leaving(worker->store))
        return STATUS_UNAVAILABLE;
    dispatch_abandon(worker->dispatch);
    survey_step(worker->survey, worker->store, clock_now_ms());
    write_state(worker);
    return STATUS_OK;
}

/* ---- the loop ---- */

static enum status turn(struct worker *worker, int64_t now_ms, bool *is_over)
{
    keep_house(worker, now_ms);
    notice(worker, now_ms);
    enum status status = claim(worker, now_ms);
    if (status != STATUS_OK)
        return status;
    upkeep_run(&worker->upkeep, dispatch_in_flight(worker->dispatch) + dispatch_unsettled(worker->dispatch) > 0);
    if (!is_idle(worker))
        worker->busy_at_ms = now_ms;
    if (is_done(worker))
        status = look_again(worker, is_over);
    if (status != STATUS_OK || *is_over)
        return status;
    dispatch_run(worker->dispatch, wait_ms(worker), store_wake_fd(worker->store));
    return settle(worker);
}

static enum status loop(struct worker *worker)
{
    bool is_over = false;
    while (!is_over) {
        int64_t now_ms = clock_monotonic_ms();
        if (store_is_leaving(worker->store))
            return STATUS_UNAVAILABLE;
        if (must_end(worker, now_ms))
            break;
        enum status status = turn(worker, now_ms, &is_over);
        if (status != STATUS_OK)
            return status;
    }
    if (worker->options->once && !is_asked_to_stop(worker))
        upkeep_complete(&worker->upkeep, UPKEEP_ONCE_MS);
    return wind_down(worker);
}

enum status worker_run(struct store *store, const struct conf *conf, const struct worker_options *options,
                       bool *leaves_work)
{
    struct failure failure;
    int64_t now_ms = clock_monotonic_ms();
    struct worker worker = {
        .store = store,
        .conf = conf,
        .options = options,
        .ends_at_ms = options->for_ms > 0 ? now_ms + options->for_ms : INT64_MAX,
        .busy_at_ms = now_ms,
        .wants_claim = true,
        .claimed_at_ms = now_ms - LOOK_EVERY_MS,
        .last = {.next_due_ms = INT64_MAX},
    };
    enum status status = dispatch_new(store, conf, &worker.dispatch, &failure);
    if (status != STATUS_OK) {
        log_error("worker_cannot_start", LOG_TEXT("why", failure.text));
        return status;
    }
    upkeep_init(&worker.upkeep, store, conf);
    worker.survey = survey_new();
    log_info("worker_start", LOG_NUMBER("concurrency", conf->concurrency));
    status = loop(&worker);
    if (leaves_work)
        *leaves_work = status == STATUS_OK && options->for_ms > 0 && left_work_behind(&worker);
    dispatch_free(worker.dispatch);
    survey_free(worker.survey);
    log_info("worker_end", LOG_TEXT("status", status_name(status)));
    return status;
}
