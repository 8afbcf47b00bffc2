/* Claims in, exchanges out, results back to the store: one worker's deliveries. When to do which is the worker's. */
#ifndef HOOKTURN_DELIVERY_DISPATCH_H
#define HOOKTURN_DELIVERY_DISPATCH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "delivery/slots.h"
#include "store/store.h"
#include "store/worker_state.h"

struct dispatch;

/* Borrows both. STATUS_UNAVAILABLE with a failure text where nothing can be sent. */
enum status dispatch_new(struct store *store, const struct conf *conf, struct dispatch **out,
                         struct failure *failure) MUST_USE;
/* Drops what is in flight; its claims run out unless dispatch_abandon handed them back. */
void dispatch_free(struct dispatch *dispatch);

size_t dispatch_in_flight(const struct dispatch *dispatch);
/* How many attempts could be started now. Results that the store has not taken yet hold their places. */
size_t dispatch_room(const struct dispatch *dispatch);
/* Results that the store has not taken yet. */
size_t dispatch_unsettled(const struct dispatch *dispatch);

/* What the attempts that the store took came to, since the caller last emptied it. */
struct worker_counts *dispatch_counts(struct dispatch *dispatch);

/* What one claim brought. */
struct claim_round {
    size_t claimed;
    size_t started;        /* the rest was handed back */
    bool may_have_more;    /* something that is due may have been left behind, until something ends */
    bool waits_for_others; /* likewise, until other workers leave a destination's places */
    int64_t next_due_ms;   /* clock_now_ms; INT64_MAX: nothing known */
};
/* Claims what room there is for and starts it. Where it fails in the middle, what was started goes on; *out is set on
 * any status. */
enum status dispatch_claim(struct dispatch *dispatch, struct claim_round *out) MUST_USE;
/* As sender_run. */
void dispatch_run(struct dispatch *dispatch, int64_t timeout_ms, int wake_fd);
enum status dispatch_settle(struct dispatch *dispatch) MUST_USE;
/* The destinations that fail, for the workers' figures. */
void dispatch_failing(const struct dispatch *dispatch, struct worker_failing *out);
/* Stops what is in flight and hands its claims back. Nothing can be started afterwards. */
void dispatch_abandon(struct dispatch *dispatch);

#endif
