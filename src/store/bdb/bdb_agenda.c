/* Where claiming looks first: a few subscriptions that something came for, or that had more than could be claimed. It
 * is a hint of this process and may be wrong in both directions; the round over all of them is what finds everything.
 */
#include "store/bdb/bdb_agenda.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

enum {
    AGENDA_MAX = 1024,
    FREE_HOPS = 200, /* a round over so few is made whenever somebody asks */
    /* A hop takes 3 us, and twice as much where pages are not in the cache; rounds may take a tenth of the time. */
    REST_US_A_HOP = 60
};

struct bdb_agenda {
    pthread_mutex_t mutex;
    struct object_id ids[AGENDA_MAX]; /* sorted */
    size_t count;
    size_t victim;       /* whose place is next to go to a new one where it is full */
    size_t given;        /* the place that was asked for last: the next question is mostly about the one behind it */
    int64_t round_at_ms; /* clock_monotonic_ms */
};

struct bdb_agenda *bdb_agenda_new(void)
{
    struct bdb_agenda *agenda = mem_calloc(1, sizeof *agenda);
    pthread_mutex_init(&agenda->mutex, NULL);
    return agenda;
}

void bdb_agenda_free(struct bdb_agenda *agenda)
{
    pthread_mutex_destroy(&agenda->mutex);
    free(agenda);
}

/* The place of the first id that is not before `id`. */
static size_t place_of(const struct bdb_agenda *agenda, const struct object_id *id)
{
    size_t low = 0;
    for (size_t high = agenda->count; low < high;) {
        size_t middle = low + (high - low) / 2;
        if (object_id_compare(&agenda->ids[middle], id) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

static bool stands_at(const struct bdb_agenda *agenda, size_t place, const struct object_id *id)
{
    return place < agenda->count && object_id_compare(&agenda->ids[place], id) == 0;
}

static void remove_at(struct bdb_agenda *agenda, size_t place)
{
    struct object_id *at = &agenda->ids[place];
    agenda->count--;
    memmove(at, at + 1, (agenda->count - place) * sizeof *at);
}

static void insert_at(struct bdb_agenda *agenda, size_t place, const struct object_id *id)
{
    struct object_id *at = &agenda->ids[place];
    memmove(at + 1, at, (agenda->count - place) * sizeof *at);
    *at = *id;
    agenda->count++;
}

void bdb_agenda_add(struct bdb_agenda *agenda, const struct object_id *subscription_id)
{
    pthread_mutex_lock(&agenda->mutex);
    if (!stands_at(agenda, place_of(agenda, subscription_id), subscription_id)) {
        if (agenda->count == AGENDA_MAX)
            remove_at(agenda, agenda->victim++ % AGENDA_MAX);
        insert_at(agenda, place_of(agenda, subscription_id), subscription_id);
    }
    pthread_mutex_unlock(&agenda->mutex);
}

void bdb_agenda_remove(struct bdb_agenda *agenda, const struct object_id *subscription_id)
{
    pthread_mutex_lock(&agenda->mutex);
    size_t place = place_of(agenda, subscription_id);
    if (stands_at(agenda, place, subscription_id))
        remove_at(agenda, place);
    pthread_mutex_unlock(&agenda->mutex);
}

enum status bdb_agenda_next(struct bdb_agenda *agenda, const struct object_id *after, struct object_id *out)
{
    pthread_mutex_lock(&agenda->mutex);
    size_t place = stands_at(agenda, agenda->given, after) ? agenda->given : place_of(agenda, after);
    if (stands_at(agenda, place, after))
        place++;
    agenda->given = place;
    enum status status = place < agenda->count ? STATUS_OK : STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        *out = agenda->ids[place];
    pthread_mutex_unlock(&agenda->mutex);
    return status;
}

void bdb_agenda_note_round(struct bdb_agenda *agenda, size_t hops)
{
    int64_t rest_ms = hops > FREE_HOPS ? (int64_t)(hops * REST_US_A_HOP / 1000) : 0;
    pthread_mutex_lock(&agenda->mutex);
    agenda->round_at_ms = clock_monotonic_ms() + rest_ms;
    pthread_mutex_unlock(&agenda->mutex);
}

int64_t bdb_agenda_round_in_ms(struct bdb_agenda *agenda)
{
    pthread_mutex_lock(&agenda->mutex);
    int64_t in_ms = agenda->round_at_ms - clock_monotonic_ms();
    pthread_mutex_unlock(&agenda->mutex);
    return in_ms > 0 ? in_ms : 0;
}
