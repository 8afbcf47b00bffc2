/* The request's headers: ours, the signatures, the subscription's own. */
#ifndef HOOKTURN_DELIVERY_COMPOSE_H
#define HOOKTURN_DELIVERY_COMPOSE_H

#include <stdint.h>

#include "base/keyring.h"
#include "base/status.h"
#include "model/event.h"
#include "model/subscription.h"

struct composition {
    struct header_list headers; /* clear with header_list_clear */
    uint32_t signature_count;   /* secrets that signed */
};

/* For attempt `number` (from 1), signed with each secret that is valid at started_at_ms. STATUS_CORRUPT where a secret
 * or the subscription's headers do not open; `out` holds nothing then. */
enum status compose_headers(const struct keyring *keyring, const struct subscription *subscription,
                            const struct event *event, uint32_t number, int64_t started_at_ms,
                            struct composition *out) MUST_USE;

/* Secrets in clear, in the order in which they sign. crypto_cleanse after use. */
struct open_secrets {
    char texts[SECRETS_STORED_MAX][SECRET_TEXT];
    size_t count;
};
/* The same, but signed with these secrets, whichever the subscription has. None: without signatures. */
enum status compose_headers_with(const struct keyring *keyring, const struct subscription *subscription,
                                 const struct event *event, uint32_t number, int64_t started_at_ms,
                                 struct open_secrets *secrets, struct composition *out) MUST_USE;

#endif
