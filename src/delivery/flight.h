/* One attempt in flight: from a claim to an exchange, and from its result to a settlement. */
#ifndef HOOKTURN_DELIVERY_FLIGHT_H
#define HOOKTURN_DELIVERY_FLIGHT_H

#include <stdint.h>

#include "base/conf.h"
#include "base/url.h"
#include "delivery/compose.h"
#include "delivery/outcomes.h"
#include "delivery/sender.h"
#include "store/store.h"

struct flight {
    struct claim claim;
    struct attempt attempt;
    struct event event;      /* its body is what is sent */
    char *subscription_name; /* NULL: it could not be read */
    char *url;
    char host[URL_HOST_SIZE]; /* whose slot it takes; "" where the URL is none */
    int64_t timeout_ms;
    struct retry_policy policy; /* the subscription's or the configured one */
    struct composition composition;
    void *owner; /* the dispatcher's business, as is the place */
    size_t place;
};

/* An attempt's whole time, and how long a claim for it holds: another worker may take over at most 10 s later. */
int64_t flight_timeout_ms(const struct conf *conf, const struct subscription *subscription);
#define FLIGHT_LEASE_MARGIN_MS INT64_C(9000)

/* Takes the time, then reads the subscription, its secrets and the event as they are now, and signs.
 * STATUS_OK: ready to be sent. STATUS_CONFLICT: not to be attempted now, hand the claim back (the subscription is gone
 * or paused, or the lease is too short by now). STATUS_CORRUPT: it cannot be sent, *out is to be ended with
 * flight_end. Else the store's status, and the claim is to be handed back.
 * *out is set for STATUS_OK and STATUS_CORRUPT; free with flight_free. */
enum status flight_prepare(struct store *store, const struct conf *conf, const struct claim *claim,
                           struct flight **out) MUST_USE;
void flight_free(struct flight *flight);

/* The exchange borrows from the flight. */
void flight_exchange(const struct flight *flight, struct exchange *out);
/* Logs the attempt and decides what comes next; takes the result's buffers over. The caller clears `out`. */
void flight_end(struct flight *flight, struct exchange_result *result, struct outcome *out);

#endif
