/* Events of the service "Webhook", by which a customer learns what became of his subscriptions. */
#ifndef HOOKTURN_MODEL_NOTICE_H
#define HOOKTURN_MODEL_NOTICE_H

#include <stdint.h>

#include "model/delivery.h"
#include "model/event.h"
#include "model/health.h"

#define NOTICE_DELIVERY_FAILED "Webhook.DeliveryFailed"
#define NOTICE_SUBSCRIPTION_DISABLED "Webhook.SubscriptionDisabled"

/* Makes an event of that name, with a trace id of its own and without a body yet. The caller clears `out`. */
void notice_init(struct event *out, const char *name, const struct object_id *id, const struct uuid *organization_id,
                 int64_t now_ms);

/* A delivery that ended as FAILED. */
struct delivery_failure {
    const struct object_id *subscription_id;
    const char *subscription_name;
    const struct object_id *event_id;
    const char *event_name;
    const struct attempt *attempt; /* the last one */
    int64_t finished_at_ms;
};
/* Composes the body: {"subscription_id","subscription_name","delivery_id","event_id","event_name","attempt_count",
 * "response_status"?,"error"?,"finished_at"}. An attempt has one of the two, or both where its body never ended. */
void notice_tell_failure(struct event *notice, const struct delivery_failure *failure);
/* Composes the body: {"subscription_id","subscription_name","reason","failing_since"?,"disabled_at"}. */
void notice_tell_switch_off(struct event *notice, const struct subscription *subscription, const struct switch_off *why,
                            int64_t now_ms);

#endif
