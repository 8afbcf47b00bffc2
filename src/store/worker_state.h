/* What the delivery workers tell everybody else without the store: a lock that says one is running, and a small file
 * with figures, rewritten about once a second. Both below data_dir. */
#ifndef HOOKTURN_STORE_WORKER_STATE_H
#define HOOKTURN_STORE_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

struct worker_state {
    bool is_running;
    int64_t last_run_at_ms;     /* 0: none ever ran */
    int64_t oldest_due_seconds; /* -1: not known */
};

/* Holds the lock (shared with other workers) until the process ends; *out_fd is closed by the caller. */
enum status worker_state_hold(const char *data_dir, int *out_fd, struct failure *failure) MUST_USE;
/* Written beside and renamed. */
enum status worker_state_write(const char *data_dir, int64_t now_ms, int64_t oldest_due_seconds);
/* Never fails: what cannot be read is not known. */
void worker_state_read(const char *data_dir, struct worker_state *out);

#endif
