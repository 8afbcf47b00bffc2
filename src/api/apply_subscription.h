/* What creating and changing a subscription do to its record while the store holds it. */
#ifndef HOOKTURN_API_APPLY_SUBSCRIPTION_H
#define HOOKTURN_API_APPLY_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/input_subscription.h"
#include "base/keyring.h"
#include "model/subscription.h"

/* Replaces every setting, and follows the signing lifecycle: switched off, all secrets are destroyed; on already, all
 * stay; switched on, `secret` becomes the first one and true is returned: this answer is the one to show it. */
bool apply_subscription(struct subscription *subscription, const struct subscription_input *input,
                        const struct keyring *keyring, const char secret[SECRET_TEXT], int64_t now_ms);
/* Leaves a tombstone. */
void apply_deletion(struct subscription *subscription, int64_t now_ms);
/* Why a verb on a subscription failed, for the client; NULL: the table's. */
const char *apply_subscription_message(enum status status);

#endif
