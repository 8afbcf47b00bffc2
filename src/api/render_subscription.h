/* A subscription as clients see it. */
#ifndef HOOKTURN_API_RENDER_SUBSCRIPTION_H
#define HOOKTURN_API_RENDER_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/success.h"
#include "base/keyring.h"
#include "model/subscription.h"

/* Fills body and etag. `shows_headers`: with their values, else as "[hidden]". `secret`: the newest one's text, NULL
 * unless it is issued by this very answer. STATUS_CORRUPT where the headers do not open. */
enum status render_subscription(const struct subscription *subscription, const struct keyring *keyring,
                                bool shows_headers, const char *secret, int64_t now_ms, struct success *out) MUST_USE;

#endif
