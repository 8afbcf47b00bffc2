/* What the delivery workers tell everybody else without the store: a small file with figures below data_dir, rewritten
 * about once a second. */
#ifndef HOOKTURN_STORE_WORKER_STATE_H
#define HOOKTURN_STORE_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct worker_state {
    bool is_running;            /* worker_lock_is_held */
    int64_t last_run_at_ms;     /* 0: none ever ran */
    int64_t oldest_due_seconds; /* -1: not known */
};

/* Written beside and renamed. */
enum status worker_state_write(const char *data_dir, int64_t now_ms, int64_t oldest_due_seconds);
/* Never fails: what cannot be read is not known. */
void worker_state_read(const char *data_dir, struct worker_state *out);

#endif
