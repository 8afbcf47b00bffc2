/* The judgement over a subscription. Settling keeps failing_since_ms, the worker asks for the verdict, and the switch
 * is thrown while the record is held. */
#include "model/health.h"

#include <assert.h>
#include <string.h>

int64_t health_failing_since(int64_t failing_since_ms, int64_t activated_at_ms, bool has_succeeded, int64_t now_ms)
{
    if (has_succeeded)
        return 0;
    bool still_counts = failing_since_ms != 0 && failing_since_ms >= activated_at_ms;
    return still_counts ? failing_since_ms : now_ms;
}

struct switch_off health_verdict(const char *gone_url, int64_t failing_since_ms, int64_t now_ms,
                                 int64_t disable_after_ms)
{
    if (gone_url != NULL)
        return (struct switch_off){.reason = DISABLED_GONE, .url = gone_url};
    if (failing_since_ms != 0 && now_ms - failing_since_ms >= disable_after_ms)
        return (struct switch_off){.reason = DISABLED_FAILING, .failing_since_ms = failing_since_ms};
    return (struct switch_off){.reason = DISABLED_NOT};
}

static bool is_still_true(const struct switch_off *why, const struct subscription *subscription)
{
    switch (why->reason) {
    case DISABLED_GONE:
        return strcmp(subscription->url, why->url) == 0;
    case DISABLED_FAILING:
        return subscription->activated_at_ms <= why->failing_since_ms;
    case DISABLED_NOT:
        break;
    }
    return false;
}

bool subscription_switch_off(struct subscription *subscription, const struct switch_off *why)
{
    if (!subscription->active || !is_still_true(why, subscription))
        return false;
    subscription->active = false;
    subscription->disabled_reason = why->reason;
    return true;
}

const char *disabled_reason_name(enum disabled_reason reason)
{
    assert(reason == DISABLED_GONE || reason == DISABLED_FAILING);
    return reason == DISABLED_GONE ? "GONE" : "FAILING";
}
