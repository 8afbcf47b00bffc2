/* Records as an export has them: their names, and their end. */
#include "model/export_record.h"

#include <string.h>

const char *export_record_kind_name(enum export_record_kind kind)
{
    static const char *const names[EXPORT_RECORD_KINDS] = {
        [EXPORT_RECORD_API_KEY] = "api_key",
        [EXPORT_RECORD_ANSWER] = "answer",
        [EXPORT_RECORD_SUBSCRIPTION] = "subscription",
        [EXPORT_RECORD_PROBE] = "probe",
        [EXPORT_RECORD_EVENT] = "event",
        [EXPORT_RECORD_DELIVERY] = "delivery",
        [EXPORT_RECORD_ATTEMPT] = "attempt",
    };
    return names[kind];
}

void export_record_clear(struct export_record *item)
{
    switch (item->kind) {
    case EXPORT_RECORD_API_KEY:
        api_key_clear(&item->api_key);
        break;
    case EXPORT_RECORD_ANSWER:
        buf_clear(&item->answer.sealed);
        break;
    case EXPORT_RECORD_SUBSCRIPTION:
        subscription_clear(&item->subscription);
        break;
    case EXPORT_RECORD_EVENT:
        event_clear(&item->event);
        break;
    case EXPORT_RECORD_ATTEMPT:
        attempt_clear(&item->attempt);
        break;
    case EXPORT_RECORD_PROBE:
    case EXPORT_RECORD_DELIVERY:
    case EXPORT_RECORD_KINDS:
        break;
    }
    memset(item, 0, sizeof *item);
}
