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
    const volatile sig_atomic_t *stop; /* not 0: end; in flight gets WORKER_STOP_GRACE_MS, the rest is handed back */
};
#define WORKER_STOP_GRACE_MS INT64_C(3000)

/* Returns STATUS_OK when it ended as asked; else the store's status that made going on impossible (logged). */
enum status worker_run(struct store *store, const struct conf *conf, const struct worker_options *options) MUST_USE;

#endif
