/* How much waits. The sums are exact as far as counting something that moves can be. Destinations are kept in a bounded
 * list: when it is full, those with little give way, and one whose deliveries are many is among the many that stay. */
#include "delivery/survey.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "base/url.h"

enum { STEPS_AT_ONCE = 8 /* of some hundred rows */, TALLIES_MAX = 1024 };

struct survey {
    struct store_place place;
    struct worker_backlog present; /* sums so far */
    struct worker_backlog last;
    struct worker_destination tallies[TALLIES_MAX];
    size_t tally_count;
};

struct survey *survey_new(void)
{
    return mem_calloc(1, sizeof(struct survey));
}

void survey_free(struct survey *survey)
{
    free(survey);
}

/* ---- destinations ---- */

static int by_host(const void *a, const void *b)
{
    return strcmp(((const struct worker_destination *)a)->host, ((const struct worker_destination *)b)->host);
}

/* Most first; and by name, so that equal ones do not change places. */
static int by_due(const void *a, const void *b)
{
    const struct worker_destination *first = a, *second = b;
    return first->due != second->due ? (first->due < second->due ? 1 : -1) : by_host(a, b);
}

/* One tally a host, most first. */
static void put_in_order(struct survey *survey)
{
    struct worker_destination *tallies = survey->tallies;
    size_t kept = 0;
    qsort(tallies, survey->tally_count, sizeof(*tallies), by_host);
    for (size_t i = 0; i < survey->tally_count; i++) {
        if (kept > 0 && by_host(&tallies[kept - 1], &tallies[i]) == 0)
            tallies[kept - 1].due += tallies[i].due;
        else
            tallies[kept++] = tallies[i];
    }
    survey->tally_count = kept;
    qsort(tallies, kept, sizeof(*tallies), by_due);
}

static void add_tally(struct survey *survey, const char *host, uint64_t due)
{
    if (survey->tally_count == TALLIES_MAX) {
        put_in_order(survey);
        if (survey->tally_count > TALLIES_MAX / 2)
            survey->tally_count = TALLIES_MAX / 2;
    }
    struct worker_destination *tally = &survey->tallies[survey->tally_count++];
    memcpy(tally->host, host, sizeof(tally->host));
    tally->due = due;
}

/* ---- counting ---- */

static void count(void *context, const struct store_backlog *backlog)
{
    struct survey *survey = context;
    const struct subscription *subscription = backlog->subscription;
    char host[URL_HOST_SIZE];
    if (!subscription->active) {
        survey->present.held += backlog->due + backlog->later;
        return;
    }
    survey->present.due += backlog->due;
    survey->present.later += backlog->later;
    url_host(subscription->url, host);
    if (backlog->due > 0 && host[0] != '\0')
        add_tally(survey, host, backlog->due);
}

static void conclude(struct survey *survey, int64_t now_ms)
{
    put_in_order(survey);
    size_t kept = survey->tally_count < WORKER_DESTINATIONS ? survey->tally_count : WORKER_DESTINATIONS;
    survey->last = survey->present;
    survey->last.counted_at_ms = now_ms;
    survey->last.destination_count = kept;
    memcpy(survey->last.destinations, survey->tallies, kept * sizeof(survey->tallies[0]));
    survey->present = (struct worker_backlog){.due = 0};
    survey->tally_count = 0;
}

void survey_step(struct survey *survey, struct store *store, int64_t now_ms)
{
    for (int i = 0; i < STEPS_AT_ONCE; i++) {
        if (store_backlog_step(store, now_ms, &survey->place, count, survey) != STATUS_OK)
            return;
        if (survey->place.length == 0) {
            conclude(survey, now_ms);
            return;
        }
    }
}

const struct worker_backlog *survey_result(const struct survey *survey)
{
    return survey->last.counted_at_ms > 0 ? &survey->last : NULL;
}
