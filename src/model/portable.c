/* Records as an export has them: their names, and their end. */
#include "model/portable.h"

#include <string.h>

const char *portable_kind_name(enum portable_kind kind)
{
    static const char *const names[PORTABLE_KINDS] = {
        [PORTABLE_API_KEY] = "api_key", [PORTABLE_ANSWER] = "answer", [PORTABLE_SUBSCRIPTION] = "subscription",
        [PORTABLE_PROBE] = "probe",     [PORTABLE_EVENT] = "event",   [PORTABLE_DELIVERY] = "delivery",
        [PORTABLE_ATTEMPT] = "attempt",
    };
    return names[kind];
}

void portable_clear(struct portable *item)
{
    switch (item->kind) {
    case PORTABLE_API_KEY:
        api_key_clear(&item->api_key);
        break;
    case PORTABLE_ANSWER:
        buf_clear(&item->answer.sealed);
        break;
    case PORTABLE_SUBSCRIPTION:
        subscription_clear(&item->subscription);
        break;
    case PORTABLE_EVENT:
        event_clear(&item->event);
        break;
    case PORTABLE_ATTEMPT:
        attempt_clear(&item->attempt);
        break;
    case PORTABLE_PROBE:
    case PORTABLE_DELIVERY:
    case PORTABLE_KINDS:
        break;
    }
    memset(item, 0, sizeof *item);
}
