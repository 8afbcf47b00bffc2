/* Attempts that ended, until the store has them. */
#ifndef HOOKTURN_DELIVERY_OUTCOMES_H
#define HOOKTURN_DELIVERY_OUTCOMES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"
#include "store/store.h"
#include "store/worker_state.h"

/* One of them, and what is told about it. */
struct outcome {
    struct settlement settlement;
    char *gone_url;          /* the URL that answered 410; NULL: none did */
    char *event_name;        /* NULL: the event could not be read */
    char *subscription_name; /* NULL: nor could the subscription */
};
void outcome_clear(struct outcome *outcome);

struct outcomes;

/* Room for `capacity` of them. `disable_after_ms`: a subscription that only failed for so long is switched off. */
struct outcomes *outcomes_new(size_t capacity, int64_t disable_after_ms);
void outcomes_free(struct outcomes *outcomes);
size_t outcomes_count(const struct outcomes *outcomes);
/* What the attempts that the store took came to, since the caller last emptied it. */
struct worker_counts *outcomes_counts(struct outcomes *outcomes);
/* Moves the outcome in. */
void outcomes_add(struct outcomes *outcomes, struct outcome *outcome);
/* Settles all of them in batches, each with the events that tell of the deliveries that failed for good; then switches
 * off the subscriptions whose receivers are gone or only fail. What the store does not take stays for another time, as
 * long as its lease holds. */
enum status outcomes_settle(struct outcomes *outcomes, struct store *store) MUST_USE;

#endif
