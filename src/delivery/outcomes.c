/* The end of the line: results collected over one turn of the worker's loop go to the store together, because a commit
 * costs more than what is in it. */
#include "delivery/outcomes.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"

/* The store takes a batch wholly or not at all: what it took is never offered again, where it would look overdue. */
enum { BATCH = STORE_SETTLE_MAX };

struct outcomes {
    struct settlement *settlements;
    char **gone_urls; /* of the settlement in the same place */
    size_t count;
    size_t capacity;
    struct worker_counts counts;
};

struct outcomes *outcomes_new(size_t capacity)
{
    struct outcomes *outcomes = mem_calloc(1, sizeof(*outcomes));
    outcomes->settlements = mem_calloc(capacity, sizeof(*outcomes->settlements));
    outcomes->gone_urls = mem_calloc(capacity, sizeof(*outcomes->gone_urls));
    outcomes->capacity = capacity;
    return outcomes;
}

static void clear_one(struct outcomes *outcomes, size_t place)
{
    attempt_clear(&outcomes->settlements[place].attempt);
    free(outcomes->gone_urls[place]);
    outcomes->gone_urls[place] = NULL;
}

void outcomes_free(struct outcomes *outcomes)
{
    if (!outcomes)
        return;
    for (size_t i = 0; i < outcomes->count; i++)
        clear_one(outcomes, i);
    free(outcomes->settlements);
    free(outcomes->gone_urls);
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

void outcomes_add(struct outcomes *outcomes, struct settlement *settlement, char *gone_url)
{
    assert(outcomes->count < outcomes->capacity);
    outcomes->settlements[outcomes->count] = *settlement;
    outcomes->gone_urls[outcomes->count] = gone_url;
    outcomes->count++;
    *settlement = (struct settlement){0};
}

/* ---- switching off ---- */

/* Pure. The customer may have named another URL since, or paused it himself: then it stays as he left it. */
static enum status switch_off(void *context, int64_t now_ms, struct subscription *subscription)
{
    const char *gone_url = context;
    (void)now_ms;
    if (!subscription->active || strcmp(subscription->url, gone_url) != 0)
        return STATUS_CONFLICT;
    subscription->active = false;
    subscription->disabled_reason = DISABLED_GONE;
    return STATUS_OK;
}

static void disable(struct store *store, const struct claim *claim, char *gone_url)
{
    struct change change = {.apply = switch_off, .context = gone_url};
    char id[OBJECT_ID_TEXT];
    object_id_format(&claim->subscription_id, id);
    enum status status = store_subscription_update(store, &claim->organization_id, &claim->subscription_id, &change);
    if (status == STATUS_OK)
        log_info("subscription_disabled", LOG_TEXT("subscription_id", id), LOG_TEXT("reason", "GONE"));
    else if (status != STATUS_CONFLICT && status != STATUS_NOT_FOUND) /* the next 410 does it */
        log_warn("subscription_not_disabled", LOG_TEXT("subscription_id", id), LOG_TEXT("status", status_name(status)));
}

/* ---- settling ---- */

static void log_lost(const struct settlement *settlement, const char *why)
{
    char event_id[OBJECT_ID_TEXT];
    char subscription_id[OBJECT_ID_TEXT];
    object_id_format(&settlement->claim.event_id, event_id);
    object_id_format(&settlement->claim.subscription_id, subscription_id);
    log_warn("settlement_dropped", LOG_TEXT("why", why), LOG_TEXT("event_id", event_id),
             LOG_TEXT("subscription_id", subscription_id), LOG_NUMBER("number", settlement->attempt.number));
}

static void conclude(struct outcomes *outcomes, struct store *store, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        const struct settlement *settlement = &outcomes->settlements[i];
        if (settlement->was_applied)
            worker_counts_attempt(&outcomes->counts, &settlement->attempt, settlement->status);
        else
            log_lost(settlement, "its lease is over");
        if (settlement->was_applied && outcomes->gone_urls[i])
            disable(store, &settlement->claim, outcomes->gone_urls[i]);
        clear_one(outcomes, i);
    }
}

static void move(struct outcomes *outcomes, size_t to, size_t from)
{
    outcomes->settlements[to] = outcomes->settlements[from];
    outcomes->gone_urls[to] = outcomes->gone_urls[from];
}

static void remove_first(struct outcomes *outcomes, size_t count)
{
    for (size_t i = count; i < outcomes->count; i++)
        move(outcomes, i - count, i);
    outcomes->count -= count;
}

/* Their deliveries are out again by themselves. */
static void drop_overdue(struct outcomes *outcomes)
{
    int64_t now_ms = clock_now_ms();
    size_t kept = 0;
    for (size_t i = 0; i < outcomes->count; i++) {
        if (outcomes->settlements[i].claim.lease_until_ms > now_ms) {
            move(outcomes, kept++, i);
            continue;
        }
        log_lost(&outcomes->settlements[i], "the store did not take it in time");
        clear_one(outcomes, i);
    }
    outcomes->count = kept;
}

enum status outcomes_settle(struct outcomes *outcomes, struct store *store)
{
    while (outcomes->count > 0) {
        size_t count = outcomes->count < BATCH ? outcomes->count : BATCH;
        enum status status = store_settle(store, clock_now_ms(), outcomes->settlements, count);
        if (status != STATUS_OK) {
            drop_overdue(outcomes);
            return status;
        }
        conclude(outcomes, store, count);
        remove_first(outcomes, count);
    }
    return STATUS_OK;
}
