/* The probes that a worker makes: claimed, asked, asked again, finished. */
#ifndef HOOKTURN_DELIVERY_PROBING_H
#define HOOKTURN_DELIVERY_PROBING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "delivery/sender.h"
#include "delivery/slots.h"
#include "store/store.h"

struct probing;

/* Borrows all four: probes take the same slots as deliveries. */
struct probing *probing_new(struct store *store, const struct conf *conf, struct sender *sender, struct slots *slots);
/* Drops what is there; the sender must be gone. */
void probing_free(struct probing *probing);

/* Requests under way. */
size_t probing_in_flight(const struct probing *probing);
/* Probes that wait for probing_go_on. */
size_t probing_unsettled(const struct probing *probing);

/* A look for pending probes. */
struct probe_round {
    store_admit admit; /* as for store_claim; plans in the slots that probing_new was given */
    void *context;
    size_t room;                    /* for so many probes */
    size_t claimed;                 /* out */
    size_t started;                 /* out; the rest was handed back */
    struct slots_refusals refusals; /* out: what stood in the way of more */
    int64_t next_due_ms;            /* out: clock_now_ms; INT64_MAX: nothing known */
};
/* Claims what there is room for and makes the first requests. The outputs are set on any status. */
enum status probing_claim(struct probing *probing, struct probe_round *round) MUST_USE;
/* Makes the second request of probes whose first one ended, and takes those that are over to the store. On any other
 * status than STATUS_OK some stay for another time, as long as their leases hold. */
enum status probing_go_on(struct probing *probing) MUST_USE;
/* Hands all claims back. The sender must be gone, and nothing can be started afterwards. */
void probing_abandon(struct probing *probing);

#endif
