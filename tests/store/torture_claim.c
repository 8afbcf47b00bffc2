/* What claiming is, among the people and at the reckoning. */
#include "torture.h"

struct admission admit_some(void *context, const struct subscription *subscription)
{
    (void)context;
    (void)subscription;
    return (struct admission){.count = 8, .lease_ms = 2000};
}

enum status make_probe(struct store *store, int64_t now_ms, unsigned dice)
{
    struct probe_settlement settlement = {.replies = {{.response_status = 200}, {.response_status = 401}}};
    struct subscription subscription;
    struct object_id after = {{0}};
    int64_t next_due_ms = INT64_MAX;
    enum status status = store_probe_claim(store, now_ms, &after, admit_some, NULL, &settlement.claim, &next_due_ms);
    if (status != STATUS_OK || dice % 8 == 0)
        return status;
    if (dice % 8 == 1)
        return store_probe_release(store, now_ms, &settlement.claim);
    status = store_subscription_get(store, &organization, &settlement.claim.subscription_id, &subscription);
    if (status != STATUS_OK)
        return status;
    settlement.version = subscription.version;
    subscription_clear(&subscription);
    return store_probe_finish(store, now_ms, &settlement);
}
