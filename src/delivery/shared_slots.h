/* The places that a destination has over all workers together: bytes of one file, locked by whoever uses the place. The
 * kernel frees those of a worker that died, however it died. */
#ifndef HOOKTURN_DELIVERY_SHARED_SLOTS_H
#define HOOKTURN_DELIVERY_SHARED_SLOTS_H

#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

struct shared_slots;

enum { SHARED_SLOTS_MAX = 65536 }; /* to a destination */

/* `worker.slots` in the data directory; `per_destination` places, at most SHARED_SLOTS_MAX. STATUS_IO with a failure
 * text. Several of one process exclude each other like those of several processes. */
enum status shared_slots_open(const char *data_dir, size_t per_destination, struct shared_slots **out,
                              struct failure *failure) MUST_USE;
/* Frees all of ours. NULL is ignored. */
void shared_slots_close(struct shared_slots *shared);

/* Names a destination; equal names give equal ids. Two names with one id share their places, which is improbable. */
uint64_t shared_slots_id(const char *destination);

/* Which places of one destination are ours. `{0}` where none is; it holds memory only while some are. */
struct shared_hold {
    uint64_t *bits;
    size_t count;
};
/* Up to `wanted` more. Returns how many: fewer where other workers have the others. */
size_t shared_slots_take(struct shared_slots *shared, uint64_t id, struct shared_hold *hold, size_t wanted);
/* `count` of them, which are held. */
void shared_slots_give_back(struct shared_slots *shared, uint64_t id, struct shared_hold *hold, size_t count);
/* Forgets without unlocking, for shared_slots_close. */
void shared_hold_clear(struct shared_hold *hold);

#endif
