/* Attempts that ended, until the store has them. */
#ifndef HOOKTURN_DELIVERY_OUTCOMES_H
#define HOOKTURN_DELIVERY_OUTCOMES_H

#include <stddef.h>

#include "base/status.h"
#include "store/store.h"
#include "store/worker_state.h"

struct outcomes;

/* Room for `capacity` of them. */
struct outcomes *outcomes_new(size_t capacity);
void outcomes_free(struct outcomes *outcomes);
size_t outcomes_count(const struct outcomes *outcomes);
/* What the attempts that the store took came to, since the caller last emptied it. */
struct worker_counts *outcomes_counts(struct outcomes *outcomes);
/* Moves the settlement in. `gone_url`: the URL that answered 410, owned from now on; NULL: none. */
void outcomes_add(struct outcomes *outcomes, struct settlement *settlement, char *gone_url);
/* Settles all of them in batches, then switches off the subscriptions whose receivers are gone. What the store does not
 * take stays for another time, as long as its lease holds. */
enum status outcomes_settle(struct outcomes *outcomes, struct store *store) MUST_USE;

#endif
