/* The feedback of the scheduling: from an outcome to the next window. Growth is slow beside the fall, because a window
 * that is too small costs a round trip, and one that is too large holds places of others for a whole timeout. */
#include "delivery/window.h"

#include <stdbool.h>

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* What says that fewer requests would be better. A reply that is too large is an answer nevertheless. */
static const bool error_is_failure[] = {
    [ATTEMPT_TIMEOUT] = true, [ATTEMPT_CONNECT] = true, [ATTEMPT_DNS] = true,
    [ATTEMPT_TLS] = true,     [ATTEMPT_BLOCKED] = true, [ATTEMPT_PROTOCOL] = true,
};
static const int32_t failing_statuses[] = {429, 502, 503, 504};

static bool is_failure(int32_t status, enum attempt_error error)
{
    if ((size_t)error < sizeof(error_is_failure) / sizeof(*error_is_failure) && error_is_failure[error])
        return true;
    for (size_t i = 0; i < sizeof(failing_statuses) / sizeof(*failing_statuses); i++)
        if (status == failing_statuses[i])
            return true;
    return false;
}

struct window window_start(size_t max)
{
    return (struct window){.size = least(WINDOW_START, max), .temper = TEMPER_UNPROVEN};
}

struct window window_next(struct window window, int32_t status, enum attempt_error error, int64_t duration_ms,
                          size_t max)
{
    if (is_failure(status, error))
        return (struct window){.size = window.size > 1 ? window.size / 2 : 1, .temper = TEMPER_FAILING};
    bool is_success = status >= 200 && status <= 299;
    return (struct window){
        .size = is_success ? least(window.size + 1, max) : window.size,
        .temper = duration_ms < WINDOW_QUICK_MS ? TEMPER_QUICK : TEMPER_UNPROVEN,
    };
}
