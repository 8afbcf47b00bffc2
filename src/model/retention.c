/* The rule of retention. Housekeeping asks it for every delivery of an event that is old enough. */
#include "model/retention.h"

uint32_t retention_first_attempt(const struct delivery *delivery)
{
    bool was_made_due = delivery->attempt_count > delivery->budget_used;
    return was_made_due && delivery->budget_used > 0 ? delivery->attempt_count - delivery->budget_used + 1 : 0;
}

static int64_t later(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Made due by hand and not tried since: it waits since then. */
static int64_t waiting_since_ms(const struct delivery *delivery, int64_t first_attempt_at_ms)
{
    bool is_untried = delivery->attempt_count > 0 && delivery->budget_used == 0;
    return later(delivery->created_at_ms, is_untried ? delivery->next_attempt_at_ms : first_attempt_at_ms);
}

enum retention_verdict retention_judge(const struct delivery *delivery, int64_t first_attempt_at_ms, int64_t now_ms,
                                       int64_t retention_ms)
{
    if (delivery->status != DELIVERY_WAITING)
        return now_ms - delivery->finished_at_ms >= retention_ms ? RETENTION_DELETE : RETENTION_KEEP;
    if (delivery->lease_until_ms > now_ms)
        return RETENTION_KEEP;
    return now_ms - waiting_since_ms(delivery, first_attempt_at_ms) > retention_ms ? RETENTION_CANCEL : RETENTION_KEEP;
}
