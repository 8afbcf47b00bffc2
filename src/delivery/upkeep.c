/* Passes come one after another: max_waiting is looked after at least every PASS_EVERY_MS, all the rest now and then,
 * because a whole pass looks at every kept answer and every subscription. */
#include "delivery/upkeep.h"

#include "base/clock.h"
#include "base/log.h"

#define PASS_EVERY_MS INT64_C(20000)
#define WHOLE_EVERY_MS INT64_C(3600000)
#define TROUBLE_PAUSE_MS INT64_C(5000)
/* A whole pass comes so many times within the retention, where that is short. */
#define WHOLE_OF_RETENTION 32
#define IDLE_REST 2
#define BUSY_REST 15

static int64_t clamp(int64_t value, int64_t least, int64_t most)
{
    return value < least ? least : value > most ? most : value;
}

void upkeep_init(struct upkeep *upkeep, struct store *store, const struct conf *conf)
{
    *upkeep = (struct upkeep){.store = store,
                              .limits = {conf->retention_ms, (uint64_t)conf->max_waiting},
                              .next_at_ms = clock_monotonic_ms(),
                              .whole_at_ms = clock_now_ms()};
}

static void log_done(const struct upkeep_counts *counts)
{
    if (counts->deliveries + counts->events + counts->answers + counts->subscriptions == 0)
        return;
    log_debug("upkeep", LOG_NUMBER("deliveries", counts->deliveries), LOG_NUMBER("events", counts->events),
              LOG_NUMBER("answers", counts->answers), LOG_NUMBER("subscriptions", counts->subscriptions));
}

/* The clock may have been set: what is far ahead is not waited for. */
static void begin_next_pass(struct upkeep *upkeep)
{
    int64_t now_ms = clock_now_ms();
    int64_t every_ms = clamp(upkeep->limits.retention_ms / WHOLE_OF_RETENTION, PASS_EVERY_MS, WHOLE_EVERY_MS);
    bool is_whole = now_ms >= upkeep->whole_at_ms || upkeep->whole_at_ms - now_ms > every_ms;
    upkeep->state.only_waiting = !is_whole;
    if (is_whole)
        upkeep->whole_at_ms = now_ms + every_ms;
}

static enum status step(struct upkeep *upkeep, bool *is_done)
{
    struct upkeep_counts counts = {0};
    enum status status = store_upkeep(upkeep->store, clock_now_ms(), &upkeep->limits, &upkeep->state, &counts, is_done);
    log_done(&counts);
    upkeep->has_passed |= status == STATUS_OK && *is_done;
    return status;
}

void upkeep_run(struct upkeep *upkeep, bool is_busy)
{
    int64_t began_ms = clock_monotonic_ms();
    bool is_done = false;
    if (began_ms < upkeep->next_at_ms)
        return;
    if (upkeep->state.stage == 0 && upkeep->state.place_length == 0)
        begin_next_pass(upkeep);
    enum status status = step(upkeep, &is_done);
    int64_t ended_ms = clock_monotonic_ms();
    if (status != STATUS_OK) /* the engine has logged it */
        upkeep->next_at_ms = ended_ms + TROUBLE_PAUSE_MS;
    else if (is_done)
        upkeep->next_at_ms = ended_ms + PASS_EVERY_MS;
    else
        upkeep->next_at_ms = ended_ms + (ended_ms - began_ms + 1) * (is_busy ? BUSY_REST : IDLE_REST);
}

void upkeep_complete(struct upkeep *upkeep, int64_t for_ms)
{
    int64_t ends_at_ms = clock_monotonic_ms() + for_ms;
    enum status status = STATUS_OK;
    while (!upkeep->has_passed && status == STATUS_OK && clock_monotonic_ms() < ends_at_ms) {
        bool is_done = false;
        status = step(upkeep, &is_done);
    }
}
