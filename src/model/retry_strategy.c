/* One table for both directions: input and rendering. */
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
