/* How many requests a destination gets at a time, and what it is taken for, by what its last requests came to. Pure. */
#ifndef HOOKTURN_DELIVERY_WINDOW_H
#define HOOKTURN_DELIVERY_WINDOW_H

#include <stddef.h>
#include <stdint.h>

#include "model/delivery.h"

enum temper {
    TEMPER_UNPROVEN, /* nothing is known of it, or it answers slowly */
    TEMPER_QUICK,    /* its last answer came within WINDOW_QUICK_MS */
    TEMPER_FAILING,  /* its last request failed, as far as that is the destination's fault */
    TEMPERS
};

enum {
    WINDOW_START = 1, /* of a destination that nothing is known of */
    WINDOW_QUICK_MS = 1000
};

struct window {
    size_t size; /* requests at a time, from 1 */
    enum temper temper;
};

/* `max` from 1: destination_concurrency. */
struct window window_start(size_t max);
/* After a request that took duration_ms. 2xx: one more, so that the window doubles with each windowful. No answer, a
 * broken one, or one that asks for patience (429, 502, 503, 504): half, 1 at least. Other answers are the
 * application's and change nothing. */
struct window window_next(struct window window, int32_t status, enum attempt_error error, int64_t duration_ms,
                          size_t max);

#endif
