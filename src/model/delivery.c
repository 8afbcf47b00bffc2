/* What an attempt's outcome makes of its delivery. The worker calls delivery_next when an exchange has ended and hands
 * the result to the store. */
#include "model/delivery.h"

#include <assert.h>
#include <string.h>

enum { FIRST_DELAY_MS = 5000, DELAY_FACTOR = 6 };
#define JITTER_LEAST 0.8
#define JITTER_WIDTH 0.4

static const char *const status_names[] = {
    [DELIVERY_WAITING] = "WAITING",
    [DELIVERY_DELIVERED] = "DELIVERED",
    [DELIVERY_FAILED] = "FAILED",
    [DELIVERY_CANCELLED] = "CANCELLED",
};

const char *delivery_status_name(enum delivery_status status)
{
    assert(status >= DELIVERY_WAITING && status <= DELIVERY_CANCELLED);
    return status_names[status];
}

enum status delivery_status_parse(const char *name, enum delivery_status *out)
{
    for (unsigned i = DELIVERY_WAITING; i <= DELIVERY_CANCELLED; i++) {
        if (strcmp(name, status_names[i]) != 0)
            continue;
        *out = (enum delivery_status)i;
        return STATUS_OK;
    }
    return STATUS_INVALID;
}

/* ---- ids ---- */

enum { HALF = OBJECT_ID_TEXT - 1 };

void delivery_id_format(const struct object_id *subscription_id, const struct object_id *event_id, char *out)
{
    object_id_format(subscription_id, out);
    object_id_format(event_id, out + HALF);
}

enum status delivery_id_parse(struct slice text, struct object_id *subscription_id, struct object_id *event_id)
{
    char half[OBJECT_ID_TEXT] = {0};
    struct object_id first;
    if (text.length != DELIVERY_ID_TEXT - 1)
        return STATUS_INVALID;
    memcpy(half, text.data, HALF);
    enum status status = object_id_parse(half, &first);
    memcpy(half, text.data + HALF, HALF);
    if (status == STATUS_OK)
        status = object_id_parse(half, event_id);
    if (status == STATUS_OK)
        *subscription_id = first;
    return status;
}

/* ---- by hand ---- */

static int64_t latest(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* A lease that still runs stays, though nobody's claim has the new generation: that is what keeps a second attempt from
 * beginning beside the one that may be under way, however often it is cancelled and revived until then. */
void delivery_revive(struct delivery *delivery, int64_t now_ms)
{
    if (delivery->status != DELIVERY_WAITING)
        delivery->budget_used = 0;
    delivery->status = DELIVERY_WAITING;
    delivery->generation++;
    if (delivery->lease_until_ms <= now_ms)
        delivery->lease_until_ms = 0;
    delivery->next_attempt_at_ms = latest(now_ms, delivery->lease_until_ms);
    delivery->finished_at_ms = 0;
}

/* Its lease is kept for the same reason. */
void delivery_cancel(struct delivery *delivery, int64_t now_ms)
{
    delivery->status = DELIVERY_CANCELLED;
    delivery->generation++;
    delivery->next_attempt_at_ms = 0;
    delivery->finished_at_ms = latest(now_ms, delivery->created_at_ms);
}

/* ---- attempts ---- */

static const char *const error_names[] = {
    [ATTEMPT_NO_ERROR] = "",
    [ATTEMPT_TIMEOUT] = "TIMEOUT",
    [ATTEMPT_CONNECT] = "CONNECT",
    [ATTEMPT_DNS] = "DNS",
    [ATTEMPT_TLS] = "TLS",
    [ATTEMPT_BLOCKED] = "BLOCKED",
    [ATTEMPT_TOO_LARGE] = "TOO_LARGE",
    [ATTEMPT_PROTOCOL] = "PROTOCOL",
};

const char *attempt_error_name(enum attempt_error error)
{
    assert((unsigned)error <= ATTEMPT_PROTOCOL);
    return error_names[error];
}

void attempt_clear(struct attempt *attempt)
{
    buf_clear(&attempt->response_headers);
    buf_clear(&attempt->response_body);
    memset(attempt, 0, sizeof *attempt);
}

/* Growth stops at twice the cap: whatever the jitter, that is the cap already, and no number of attempts overflows. */
static int64_t backoff_ms(uint32_t budget_used, int64_t max_delay_ms, double jitter)
{
    const double most = (double)max_delay_ms;
    double delay = FIRST_DELAY_MS;
    for (uint32_t n = 1; n < budget_used && delay < 2 * most; n++)
        delay *= DELAY_FACTOR;
    delay *= JITTER_LEAST + JITTER_WIDTH * jitter;
    return delay < most ? (int64_t)delay : max_delay_ms;
}

static int64_t policy_delay_ms(const struct retry_policy *policy, uint32_t budget_used, double jitter)
{
    if (policy->strategy == RETRY_FIXED_DELAY)
        return policy->max_delay_ms;
    return backoff_ms(budget_used, policy->max_delay_ms, jitter);
}

/* Other answers may carry a Retry-After too (a 3xx, say), but it is no promise to take the event later. */
static bool may_ask_to_wait(int32_t response_status)
{
    return response_status == 429 || response_status == 503;
}

static int64_t add_saturating(int64_t time_ms, int64_t delay_ms)
{
    return delay_ms > INT64_MAX - time_ms ? INT64_MAX : time_ms + delay_ms;
}

struct next_state delivery_next(const struct retry_policy *policy, uint32_t budget_used, int32_t response_status,
                                enum attempt_error error, int64_t retry_after_ms, int64_t ended_at_ms, double jitter)
{
    /* A body that was cut because it is too long leaves its status standing; one that never came to its end does not.
     */
    bool is_whole = error == ATTEMPT_NO_ERROR || error == ATTEMPT_TOO_LARGE;
    if (is_whole && response_status >= 200 && response_status <= 299)
        return (struct next_state){.status = DELIVERY_DELIVERED};
    if (response_status == 410)
        return (struct next_state){.status = DELIVERY_FAILED, .is_gone = true};
    if ((int64_t)budget_used > policy->max_attempts)
        return (struct next_state){.status = DELIVERY_FAILED};

    int64_t delay_ms = policy_delay_ms(policy, budget_used, jitter);
    if (may_ask_to_wait(response_status) && retry_after_ms > delay_ms)
        delay_ms = retry_after_ms;
    return (struct next_state){.status = DELIVERY_WAITING, .due_at_ms = add_saturating(ended_at_ms, delay_ms)};
}
