/* One attempt in flight: from a claim to an exchange, and from its result to a settlement. */
#ifndef HOOKTURN_DELIVERY_FLIGHT_H
#define HOOKTURN_DELIVERY_FLIGHT_H

#include <stdint.h>

#include "base/conf.h"
#include "delivery/compose.h"
#include "delivery/destinations.h"
#include "delivery/outcomes.h"
#include "delivery/sender.h"
#include "store/store.h"

struct flight {
    struct claim claim;
    struct attempt attempt;
    struct event event;      /* its body is what is sent */
    char *subscription_name; /* NULL: it could not be read */
    char *url;
    char destination[DESTINATION_NAME_SIZE]; /* whose slot it takes; "" where the URL is none */
    int64_t timeout_ms;
    struct retry_policy policy; /* the subscription's or the configured one */
    struct composition composition;
    void *owner; /* the dispatcher's business, as are the place and the slot */
    size_t place;
    struct destination *slot;
};

/* An attempt's whole time, and how long a claim for it holds: another worker may take over at most 10 s later. */
int64_t flight_timeout_ms(const struct conf *conf, const struct subscription *subscription);
#define FLIGHT_LEASE_MARGIN_MS INT64_C(9000)

/* What attempts of one subscription that start together share: the time, and the subscription as it was read after it.
 * `{0}` before the first; clear with launch_clear. */
struct launch {
    bool is_loaded;
    int64_t started_at_ms;
    struct subscription subscription;
};
void launch_clear(struct launch *launch);

/* Takes the time, then reads the subscription, its secrets and the event as they are now, and signs; time and
 * subscription are those of the launch where it is of the same subscription and LAUNCH_MS have not passed.
 * STATUS_OK: ready to be sent. STATUS_CONFLICT: not to be attempted now, hand the claim back (the subscription is gone
 * or paused, or the lease is too short by now). STATUS_CORRUPT: it cannot be sent, *out is to be ended with
 * flight_end. Else the store's status, and the claim is to be handed back.
 * *out is set for STATUS_OK and STATUS_CORRUPT; free with flight_free. */
#define LAUNCH_MS INT64_C(20)
enum status flight_prepare(struct store *store, const struct conf *conf, const struct claim *claim,
                           struct launch *launch, struct flight **out) MUST_USE;
void flight_free(struct flight *flight);

/* The exchange borrows from the flight. */
void flight_exchange(const struct flight *flight, struct exchange *out);
/* Logs the attempt and decides what comes next; takes the result's buffers over. The caller clears `out`. */
void flight_end(struct flight *flight, struct exchange_result *result, struct outcome *out);

#endif
