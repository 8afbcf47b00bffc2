/* What `hookturn status` has found, and how it is shown. */
#ifndef HOOKTURN_CMD_STATUS_REPORT_H
#define HOOKTURN_CMD_STATUS_REPORT_H

#include "base/buf.h"
#include "base/conf.h"
#include "store/store.h"
#include "store/worker_state.h"

/* A subscription that fails or is switched off. */
struct status_concern {
    struct object_id id;
    struct uuid organization_id;
    char *name;
    char *host; /* of its URL; "" where it has none. The rest of a URL may be a secret. */
    bool active;
    enum disabled_reason disabled_reason;
    uint64_t waiting;
    uint64_t tried;
    int64_t tried_since_ms;
    uint32_t tried_attempts;
};

enum { STATUS_CONCERNS_MAX = 20 };

/* `{0}` is empty; clear with status_report_clear. */
struct status_report {
    int64_t now_ms;
    bool worker_is_auto;
    struct worker_state worker;
    struct store_overview overview;
    struct status_concern concerns[STATUS_CONCERNS_MAX]; /* those for which most waits, in that order */
    size_t concern_count;
    uint64_t concerns_left_out;
};

/* For store_overview; the context is a struct status_report. */
void status_report_visit(void *context, const struct store_concern *concern);
void status_report_clear(struct status_report *report);
void status_report_print(const struct status_report *report, struct buf *out);
void status_report_print_json(const struct status_report *report, struct buf *out);

#endif
