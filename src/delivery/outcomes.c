/* The end of the line: results collected over one turn of the worker's loop go to the store together, because a commit
 * costs more than what is in it. */
#include "delivery/outcomes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/disable.h"
#include "model/notice.h"

/* The store takes a batch wholly or not at all: what it took is never offered again, where it would look overdue. */
enum { BATCH = STORE_SETTLE_MAX };

struct outcomes {
    struct outcome *items;
    size_t count;
    size_t capacity;
    int64_t disable_after_ms;
    struct worker_counts counts;
    struct settlement *settlements; /* room for BATCH, used within one call, as are the notices */
    struct event *notices;
};

void outcome_clear(struct outcome *outcome)
{
    attempt_clear(&outcome->settlement.attempt);
    mem_free_cleansed_text(outcome->gone_url); /* it may carry a token */
    free(outcome->event_name);
    free(outcome->subscription_name);
    memset(outcome, 0, sizeof(*outcome));
}

struct outcomes *outcomes_new(size_t capacity, int64_t disable_after_ms)
{
    struct outcomes *outcomes = mem_calloc(1, sizeof(*outcomes));
    outcomes->items = mem_calloc(capacity, sizeof(*outcomes->items));
    outcomes->settlements = mem_calloc(BATCH, sizeof(*outcomes->settlements));
    outcomes->notices = mem_calloc(BATCH, sizeof(*outcomes->notices));
    outcomes->capacity = capacity;
    outcomes->disable_after_ms = disable_after_ms;
    return outcomes;
}

void outcomes_free(struct outcomes *outcomes)
{
    if (!outcomes)
        return;
    for (size_t i = 0; i < outcomes->count; i++)
        outcome_clear(&outcomes->items[i]);
    free(outcomes->items);
    free(outcomes->settlements);
    free(outcomes->notices);
    free(outcomes);
}

size_t outcomes_count(const struct outcomes *outcomes)
{
    return outcomes->count;
}

struct worker_counts *outcomes_counts(struct outcomes *outcomes)
{
    return &outcomes->counts;
}

void outcomes_add(struct outcomes *outcomes, struct outcome *outcome)
{
    assert(outcomes->count < outcomes->capacity);
    outcomes->items[outcomes->count++] = *outcome;
    *outcome = (struct outcome){0};
}

/* ---- what is told ---- */

/* A delivery that tells of a failure, and fails itself, is told to nobody: it would never end. */
static bool may_be_told(const struct outcome *outcome)
{
    return outcome->event_name && outcome->subscription_name && !event_name_is_own(outcome->event_name);
}

static void tell_failure(struct store *store, const struct outcome *outcome, int64_t now_ms, struct event *notice)
{
    const struct settlement *settlement = &outcome->settlement;
    const struct claim *claim = &settlement->claim;
    struct object_id id;
    store_event_id_make(store, now_ms, &id);
    notice_init(notice, NOTICE_DELIVERY_FAILED, &id, &claim->organization_id, now_ms);
    notice_tell_failure(notice, &(struct delivery_failure){.subscription_id = &claim->subscription_id,
                                                           .subscription_name = outcome->subscription_name,
                                                           .event_id = &claim->event_id,
                                                           .event_name = outcome->event_name,
                                                           .attempt = &settlement->attempt,
                                                           .finished_at_ms = now_ms});
}

/* ---- after a batch ---- */

static void log_lost(const struct settlement *settlement, const char *why)
{
    char event_id[OBJECT_ID_TEXT];
    char subscription_id[OBJECT_ID_TEXT];
    object_id_format(&settlement->claim.event_id, event_id);
    object_id_format(&settlement->claim.subscription_id, subscription_id);
    log_warn("settlement_dropped", LOG_TEXT("why", why), LOG_TEXT("event_id", event_id),
             LOG_TEXT("subscription_id", subscription_id), LOG_NUMBER("number", settlement->attempt.number));
}

static void judge(struct outcomes *outcomes, struct store *store, const struct outcome *outcome, int64_t now_ms)
{
    const struct settlement *settlement = &outcome->settlement;
    worker_counts_attempt(&outcomes->counts, &settlement->attempt, settlement->status);
    struct switch_off why =
        health_verdict(outcome->gone_url, settlement->failing_since_ms, now_ms, outcomes->disable_after_ms);
    if (why.reason != DISABLED_NOT)
        disable_subscription(store, &settlement->claim, &why, may_be_told(outcome));
}

static void conclude(struct outcomes *outcomes, struct store *store, size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        struct outcome *outcome = &outcomes->items[i];
        if (outcome->settlement.was_applied)
            judge(outcomes, store, outcome, now_ms);
        else
            log_lost(&outcome->settlement, "its lease is over");
        outcome_clear(outcome);
    }
}

static void remove_first(struct outcomes *outcomes, size_t count)
{
    outcomes->count -= count;
    memmove(outcomes->items, outcomes->items + count, outcomes->count * sizeof(*outcomes->items));
}

/* Their deliveries are out again by themselves. */
static void drop_overdue(struct outcomes *outcomes)
{
    int64_t now_ms = clock_now_ms();
    size_t kept = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        if (outcomes->items[i].settlement.claim.lease_until_ms > now_ms) {
            outcomes->items[kept++] = outcomes->items[i];
            continue;
        }
        log_lost(&outcomes->items[i].settlement, "the store did not take it in time");
        outcome_clear(&outcomes->items[i]);
    }
    outcomes->count = kept;
}

/* ---- settling ---- */

static enum status settle_batch(struct outcomes *outcomes, struct store *store, size_t count, int64_t now_ms)
{
    for (size_t i = 0; i < count; i++) {
        const struct outcome *outcome = &outcomes->items[i];
        struct settlement *settlement = &outcomes->settlements[i];
        *settlement = outcome->settlement;
        if (settlement->status != DELIVERY_FAILED || !may_be_told(outcome))
            continue;
        tell_failure(store, outcome, now_ms, &outcomes->notices[i]);
        settlement->notice = &outcomes->notices[i];
    }
    enum status status = store_settle(store, now_ms, outcomes->settlements, count);
    for (size_t i = 0; i < count; i++) {
        outcomes->items[i].settlement.was_applied = outcomes->settlements[i].was_applied;
        outcomes->items[i].settlement.failing_since_ms = outcomes->settlements[i].failing_since_ms;
        event_clear(&outcomes->notices[i]);
    }
    return status;
}

enum status outcomes_settle(struct outcomes *outcomes, struct store *store)
{
    while (outcomes->count > 0) {
        size_t count = outcomes->count < BATCH ? outcomes->count : BATCH;
        int64_t now_ms = clock_now_ms();
        enum status status = settle_batch(outcomes, store, count, now_ms);
        if (status != STATUS_OK) {
            drop_overdue(outcomes);
            return status;
        }
        conclude(outcomes, store, count, now_ms);
        remove_first(outcomes, count);
    }
    return STATUS_OK;
}
