/* The worker's housekeeping: when it does how much of it. What there is to do is the store's (store_upkeep). */
#ifndef HOOKTURN_DELIVERY_UPKEEP_H
#define HOOKTURN_DELIVERY_UPKEEP_H

#include <stdbool.h>
#include <stdint.h>

#include "base/conf.h"
#include "store/store.h"

struct upkeep {
    struct store *store;
    struct upkeep_limits limits;
    struct upkeep_state state;
    int64_t next_at_ms;  /* clock_monotonic_ms: not before then */
    int64_t whole_at_ms; /* clock_now_ms: when the next pass is to be a whole one */
    bool has_passed;     /* a pass has been completed */
};

/* Begins with a whole pass. Borrows the store. */
void upkeep_init(struct upkeep *upkeep, struct store *store, const struct conf *conf);
/* Makes a step where it is time for one. Steps are spread: they take at most a third of the time of a worker that is
 * idle, and a sixteenth of one that is busy. */
void upkeep_run(struct upkeep *upkeep, bool is_busy);
/* For a worker that does not stay: completes its first pass, but goes on for no longer than about `for_ms`. */
void upkeep_complete(struct upkeep *upkeep, int64_t for_ms);

#endif
