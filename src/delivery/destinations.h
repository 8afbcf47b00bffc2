/* What a worker remembers of the destinations it sends to: those in use, and a bounded number of those used last. */
#ifndef HOOKTURN_DELIVERY_DESTINATIONS_H
#define HOOKTURN_DELIVERY_DESTINATIONS_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "base/url.h"
#include "delivery/shared_slots.h"
#include "delivery/window.h"

enum {
    DESTINATION_NAME_SIZE = URL_HOST_SIZE + 6, /* host, colon, port */
    DESTINATIONS_REMEMBERED = 10000,           /* beside those in use */
    SUBSCRIPTIONS_REMEMBERED = 16384,          /* a power of two */
    SUBSCRIPTION_KNOWN_MS = 1000 /* a changed URL goes unnoticed no longer than that while the old one is full */
};

/* From `window` on the scheduler's; zero in a new one but for the window. */
struct destination {
    uint64_t id; /* shared_slots_id */
    char *name;
    struct destination *newer; /* in the list of those that rest, by when they were last used */
    struct destination *older;
    bool is_resting;

    struct window window;
    struct shared_hold hold; /* at least in_flight + promised */
    size_t in_flight;
    size_t promised;
    bool is_touched; /* in the list of those that the round concerns */
    struct destination *next_touched;
    int64_t refused_until_ms; /* clock_monotonic_ms: other workers have all places */
    struct object_id served;  /* the subscription that had a place last */
    struct object_id turn;    /* where has_turn: the one that has the next place, because it found none */
    bool has_turn;
    uint64_t yielded_round; /* in which others stood back for it; 0: not yet */
    uint32_t failures;      /* in a row */
    enum attempt_error last_error;
    int32_t last_status;
};

struct destinations;

/* `remembered`: how many beside those in use; `window_max`: destination_concurrency. */
struct destinations *destinations_new(size_t remembered, size_t window_max);
/* Nothing may be held any more. */
void destinations_free(struct destinations *destinations);

/* "host:port" of a URL, which is what shares places; "" where the text is no URL. */
void destination_name(const char *url, char out[DESTINATION_NAME_SIZE]);

/* The one of that name, made where it is not known. It stays until destinations_rest, and from then on for as long as
 * others do not crowd it out. */
struct destination *destinations_use(struct destinations *destinations, const char *name);
/* Of those that are known: by id, in use or not. */
struct destination *destinations_find(const struct destinations *destinations, uint64_t id);
/* Nothing of it is in flight, promised or held. */
void destinations_rest(struct destinations *destinations, struct destination *destination);
/* In no order. `visit` changes nothing. */
void destinations_walk(const struct destinations *destinations,
                       void (*visit)(void *context, const struct destination *destination), void *context);

/* Where a subscription's requests go, as far as it was seen within SUBSCRIPTION_KNOWN_MS. NULL: not known. */
void destinations_note(struct destinations *destinations, const struct object_id *subscription_id,
                       const struct destination *destination, int64_t now_ms);
struct destination *destinations_of(const struct destinations *destinations, const struct object_id *subscription_id,
                                    int64_t now_ms);

#endif
