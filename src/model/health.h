/* Since when a subscription has done nothing but fail, and what follows from it. */
#ifndef HOOKTURN_MODEL_HEALTH_H
#define HOOKTURN_MODEL_HEALTH_H

#include <stdbool.h>
#include <stdint.h>

#include "model/subscription.h"

/* Pure: since when the subscription has only failed, after an attempt that ended at now_ms. `failing_since_ms` is what
 * held before, 0: the last attempt succeeded, or there was none. What failed before `activated_at_ms` does not count:
 * neither a pause nor the failures before it are failing. 0 after a success. */
int64_t health_failing_since(int64_t failing_since_ms, int64_t activated_at_ms, bool has_succeeded, int64_t now_ms);

/* Why a subscription is to be switched off. */
struct switch_off {
    enum disabled_reason reason; /* DISABLED_NOT: it is not */
    const char *url;             /* DISABLED_GONE: the one that answered 410 */
    int64_t failing_since_ms;    /* DISABLED_FAILING */
};

/* Pure: FAILING where it has only failed for `disable_after_ms`, or GONE after a 410, whatever it did before.
 * `failing_since_ms` as above, after the attempt; `gone_url` NULL: no 410. */
struct switch_off health_verdict(const char *gone_url, int64_t failing_since_ms, int64_t now_ms,
                                 int64_t disable_after_ms);
/* Pure: switches it off, unless the customer has acted since: paused it himself, named another URL, or said that it
 * shall be active. False: it stays as he left it. */
bool subscription_switch_off(struct subscription *subscription, const struct switch_off *why);
/* "GONE" or "FAILING". */
const char *disabled_reason_name(enum disabled_reason reason);

#endif
