/* One of a probe's two requests: from the claim to an exchange, and from its result to a reply. */
#ifndef HOOKTURN_DELIVERY_PROBE_FLIGHT_H
#define HOOKTURN_DELIVERY_PROBE_FLIGHT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/conf.h"
#include "delivery/compose.h"
#include "delivery/destinations.h"
#include "delivery/sender.h"
#include "store/store.h"

struct probe_flight {
    struct probe_claim claim;
    size_t ended;     /* so many requests; the next one is that enum probe_part */
    uint64_t version; /* of the subscription when the first one was made */
    struct probe_reply replies[PROBE_PARTS];
    /* of the present request */
    struct event event;
    char *url;
    char destination[DESTINATION_NAME_SIZE]; /* whose slot it takes; "" where the URL is none */
    int64_t timeout_ms;
    struct composition composition;
};

void probe_flight_clear(struct probe_flight *flight);

/* Makes the next request out of the subscription as it is now: a fresh event, signed at this moment, so that neither a
 * receiver that drops duplicates nor one that is strict about time refuses the second request for another reason than
 * its signature.
 * STATUS_CONFLICT: the claim is to be handed back, so that the probe begins anew or ends (the subscription is gone, not
 * signed any more, or another one than for the first request; or the lease is too short). STATUS_CORRUPT: it cannot be
 * made; probe_flight_end it with ATTEMPT_PROTOCOL. Else the store's status. */
enum status probe_flight_prepare(struct probe_flight *flight, struct store *store, const struct conf *conf) MUST_USE;
/* The exchange borrows from the flight. */
void probe_flight_exchange(const struct probe_flight *flight, struct exchange *out);
/* Logs the request and keeps what it says. */
void probe_flight_end(struct probe_flight *flight, const struct exchange_result *result);

#endif
