/* What follows when a settlement shows that a subscription's receiver is gone or only fails. */
#include "delivery/disable.h"

#include "base/clock.h"
#include "base/log.h"
#include "model/notice.h"

struct disabling {
    const struct switch_off *why;
    struct event *notice; /* NULL: nobody is told */
};

/* Pure. Many failures that were in flight together ask for the same: the first one does it. */
static enum status switch_off(void *context, int64_t now_ms, struct subscription *subscription)
{
    const struct disabling *disabling = context;
    if (!subscription_switch_off(subscription, disabling->why))
        return STATUS_CONFLICT;
    if (disabling->notice)
        notice_tell_switch_off(disabling->notice, subscription, disabling->why, now_ms);
    return STATUS_OK;
}

static enum status switch_off_and_tell(struct store *store, const struct claim *claim, const struct switch_off *why)
{
    struct event notice;
    struct object_id id;
    int64_t now_ms = clock_now_ms();
    store_event_id_make(store, now_ms, &id);
    notice_init(&notice, NOTICE_SUBSCRIPTION_DISABLED, &id, &claim->organization_id, now_ms);
    struct disabling disabling = {why, &notice};
    struct change change = {.apply = switch_off, .context = &disabling, .notice = &notice};
    enum status status = store_subscription_update(store, &claim->organization_id, &claim->subscription_id, &change);
    event_clear(&notice);
    return status;
}

static enum status switch_off_only(struct store *store, const struct claim *claim, const struct switch_off *why)
{
    struct disabling disabling = {why, NULL};
    struct change change = {.apply = switch_off, .context = &disabling};
    return store_subscription_update(store, &claim->organization_id, &claim->subscription_id, &change);
}

void disable_subscription(struct store *store, const struct claim *claim, const struct switch_off *why, bool is_told)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&claim->subscription_id, id);
    enum status status = is_told ? switch_off_and_tell(store, claim, why) : switch_off_only(store, claim, why);
    if (status == STATUS_OK)
        log_info("subscription_disabled", LOG_TEXT("subscription_id", id),
                 LOG_TEXT("reason", disabled_reason_name(why->reason)));
    else if (status != STATUS_CONFLICT && status != STATUS_NOT_FOUND)
        log_warn("subscription_not_disabled", LOG_TEXT("subscription_id", id), LOG_TEXT("status", status_name(status)));
}
