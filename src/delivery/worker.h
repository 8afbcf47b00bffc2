/* The delivery worker: claims what a free slot can start, sends, settles, until it is told to end. */
#ifndef HOOKTURN_DELIVERY_WORKER_H
#define HOOKTURN_DELIVERY_WORKER_H

#include <stdbool.h>
#include <signal.h>
#include <stdint.h>

#include "base/conf.h"
#include "store/store.h"

struct worker_options {
    bool once;                         /* end when nothing is due and nothing in flight */
    int64_t for_ms;                    /* end after so long; 0: no limit */
    int64_t idle_ms;                   /* end when for so long nothing has been in flight or waited, not even for a
                                          retry at a later time; 0: never */
    const volatile sig_atomic_t *stop; /* not 0: end; in flight gets WORKER_STOP_GRACE_MS, the rest is handed back */
    int lock_fd;                       /* of worker_lock_take; let go as soon as the end is near. -1: none */
};
#define WORKER_STOP_GRACE_MS INT64_C(3000)

/* Returns STATUS_OK when it ended as asked; else the store's status that made going on impossible (logged).
 * *leaves_work: the time of `for_ms` is over, and something is due that a publisher may have left to this worker,
 * because it still held its lock. NULL: not asked for. Ends of the other kinds leave nothing of that sort: `once` and
 * idle_ms look again when the lock is let go, and who says stop means it. */
enum status worker_run(struct store *store, const struct conf *conf, const struct worker_options *options,
                       bool *leaves_work) MUST_USE;

#endif
