/* Switching a subscription off whose receiver is gone or only fails. */
#ifndef HOOKTURN_DELIVERY_DISABLE_H
#define HOOKTURN_DELIVERY_DISABLE_H

#include <stdbool.h>

#include "model/health.h"
#include "store/store.h"

/* Logged. Where the store does not take it now, or the process dies before, the next failure does it. `is_told`: those
 * who named Webhook.SubscriptionDisabled get one, in the same transaction. */
void disable_subscription(struct store *store, const struct claim *claim, const struct switch_off *why, bool is_told);

#endif
