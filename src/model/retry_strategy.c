/* One table of names for both directions, and the policy for whoever shows it: the API and exports. */
#include "model/retry_strategy.h"

#include <string.h>

static const struct {
    const char *name;
    enum retry_strategy strategy;
} strategies[] = {
    {"FIXED_DELAY", RETRY_FIXED_DELAY},
    {"EXPONENTIAL_BACKOFF", RETRY_EXPONENTIAL_BACKOFF},
};
enum { STRATEGY_COUNT = sizeof strategies / sizeof strategies[0] };

const char *retry_strategy_name(enum retry_strategy strategy)
{
    for (size_t i = 0; i < STRATEGY_COUNT; i++)
        if (strategies[i].strategy == strategy)
            return strategies[i].name;
    return "";
}

enum status retry_strategy_parse(const char *name, enum retry_strategy *out)
{
    for (size_t i = 0; i < STRATEGY_COUNT; i++) {
        if (strcmp(strategies[i].name, name) == 0) {
            *out = strategies[i].strategy;
            return STATUS_OK;
        }
    }
    return STATUS_INVALID;
}

void retry_strategy_put_policy(json_object *object, const struct retry_policy *policy)
{
    if (!policy->is_set)
        return;
    json_object *member = json_out_object(object, "retry_policy");
    json_out_text(member, "retryStrategy", retry_strategy_name(policy->strategy));
    json_out_integer(member, "maxRetryAttempts", policy->max_attempts);
    json_out_integer(member, "maxRetryDelayMs", policy->max_delay_ms);
}
