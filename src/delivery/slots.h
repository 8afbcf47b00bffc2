/* Who may start now: how many requests in all, to each destination by its window, and to those that are slow or fail
 * together, so that whatever they do there is room for the others. */
#ifndef HOOKTURN_DELIVERY_SLOTS_H
#define HOOKTURN_DELIVERY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

#include "base/id.h"
#include "delivery/destinations.h"

struct slots;

/* `shared` is borrowed and outlives the slots. */
struct slots *slots_new(size_t total, size_t per_destination, struct shared_slots *shared);
void slots_free(struct slots *slots);

/* Free ones, whatever the destination. */
size_t slots_room(const struct slots *slots);

/* ---- a round of planning ---- */

/* Whether a request of this subscription could start, without a look at the subscription: true where nothing is known.
 * Subscriptions that share a destination have its places in turn: the first that finds none has the next one. Where it
 * does not come for it in a round, the others have theirs in the one after. */
bool slots_may_start(struct slots *slots, const struct object_id *subscription_id);
/* How many requests of this subscription to the destination of that name can start: so many are promised. */
size_t slots_plan(struct slots *slots, const char *name, const struct object_id *subscription_id);
/* So many of the last promise are not needed. */
void slots_return(struct slots *slots, size_t count);
/* What stood in the way of starting more. */
struct slots_refusals {
    bool by_us;     /* until something ends */
    bool by_others; /* other workers have a destination's places */
    bool by_turn;   /* nothing: somebody stood back for another subscription, which did not use all places */
};
/* Takes all promises back that nothing was taken for. */
struct slots_refusals slots_end_round(struct slots *slots);

/* ---- requests ---- */

/* A request to that destination begins, promised or not. NULL: it has no place for one more. */
struct destination *slots_take(struct slots *slots, const char *name);
/* It ended so. Its place stays ours until slots_tidy or the end of a round, for another one to the same destination. */
void slots_give_back(struct slots *slots, struct destination *destination, int32_t status, enum attempt_error error,
                     int64_t duration_ms);
/* Leaves to other workers what is not in use. To be called outside of rounds, before waiting. */
void slots_tidy(struct slots *slots);

/* ---- seeing ---- */

/* A destination whose last request failed. */
struct slots_trouble {
    char name[DESTINATION_NAME_SIZE];
    size_t in_flight;
    size_t window;     /* how many it may have at a time, for now */
    uint32_t failures; /* in a row */
    enum attempt_error last_error;
    int32_t last_status; /* 0: no answer */
};
/* Up to `max` of them, those with the most failures in a row first. Returns how many. */
size_t slots_worst(const struct slots *slots, struct slots_trouble *out, size_t max);

#endif
