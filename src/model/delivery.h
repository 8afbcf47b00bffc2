/* A delivery, its attempts, and what comes after an attempt. */
#ifndef HOOKTURN_MODEL_DELIVERY_H
#define HOOKTURN_MODEL_DELIVERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/id.h"
#include "model/subscription.h"

enum delivery_status { DELIVERY_WAITING = 1, DELIVERY_DELIVERED, DELIVERY_FAILED, DELIVERY_CANCELLED };
/* "WAITING" and so on. */
const char *delivery_status_name(enum delivery_status status);
/* STATUS_INVALID for what is no such name. */
enum status delivery_status_parse(const char *name, enum delivery_status *out) MUST_USE;

/* Why an attempt got no whole answer. */
enum attempt_error {
    ATTEMPT_NO_ERROR,
    ATTEMPT_TIMEOUT,
    ATTEMPT_CONNECT,
    ATTEMPT_DNS,
    ATTEMPT_TLS,
    ATTEMPT_BLOCKED,
    ATTEMPT_TOO_LARGE,
    ATTEMPT_PROTOCOL
};
/* "TIMEOUT" and so on; "" for ATTEMPT_NO_ERROR. */
const char *attempt_error_name(enum attempt_error error);

/* Its id is the subscription's and the event's together: 48 lower-case hex digits. */
enum { DELIVERY_ID_TEXT = 2 * (OBJECT_ID_TEXT - 1) + 1 };
/* `out` has DELIVERY_ID_TEXT bytes. */
void delivery_id_format(const struct object_id *subscription_id, const struct object_id *event_id, char *out);
/* STATUS_INVALID for anything else. */
enum status delivery_id_parse(struct slice text, struct object_id *subscription_id,
                              struct object_id *event_id) MUST_USE;

struct delivery {
    struct object_id subscription_id;
    struct object_id event_id;
    struct uuid organization_id;
    enum delivery_status status;
    uint32_t generation;        /* raised by every claim, release and settlement; fences leases */
    int64_t lease_until_ms;     /* 0: nobody works on it; cancelled by hand: until then an attempt may be under way */
    uint32_t attempt_count;     /* all attempts ever settled */
    uint32_t budget_used;       /* attempts since it was last made due by hand */
    int64_t next_attempt_at_ms; /* while WAITING */
    int64_t created_at_ms;
    int64_t finished_at_ms; /* 0: not finished */
    bool is_forced;         /* sent though its subscription is paused: somebody asked for it */
};

enum { ATTEMPT_BODY_KEPT = 4096, ATTEMPT_HEADERS_KEPT = 8192 };

struct attempt {
    uint32_t number; /* from 1 */
    int64_t started_at_ms;
    int64_t duration_ms;
    int32_t response_status; /* 0: none arrived */
    enum attempt_error error;
    uint32_t signature_count;
    struct buf response_headers; /* as received, "Name: value\r\n"…, at most ATTEMPT_HEADERS_KEPT */
    struct buf response_body;    /* the first ATTEMPT_BODY_KEPT bytes */
};
void attempt_clear(struct attempt *attempt);

/* What an attempt's outcome makes of its delivery. */
struct next_state {
    enum delivery_status status;
    int64_t due_at_ms; /* for DELIVERY_WAITING */
    bool is_gone;      /* 410: the subscription is to be switched off */
};

/* Makes it due by hand, whatever it is: WAITING since now, or since the end of a lease that still runs. What was
 * finished has its whole budget of retries again; attempts are numbered on. */
void delivery_revive(struct delivery *delivery, int64_t now_ms);
/* Ends a waiting one by hand. An attempt that is under way is not heard any more. */
void delivery_cancel(struct delivery *delivery, int64_t now_ms);

/* Pure. `budget_used` counts this attempt; `retry_after_ms` is what the answer asked for (-1: nothing), already
 * bounded; `jitter` in [0,1) comes from the caller. 2xx in an answer that came to its end, or was cut as TOO_LARGE:
 * DELIVERED. 410: FAILED, and the receiver is gone. Else WAITING while budget_used is at most the policy's retries, due
 * at ended_at_ms + the larger of the policy's delay and retry_after_ms; else FAILED. EXPONENTIAL_BACKOFF: 5 s *
 * 6^(budget_used-1), ±20 %, at most max_delay_ms. FIXED_DELAY: max_delay_ms, no jitter. */
struct next_state delivery_next(const struct retry_policy *policy, uint32_t budget_used, int32_t response_status,
                                enum attempt_error error, int64_t retry_after_ms, int64_t ended_at_ms, double jitter);

/* RFC 9110 section 10.2.3: seconds, or an HTTP date relative to now_ms. Milliseconds from now, 0 to 24 h; -1 where the
 * text is neither. */
int64_t retry_after_parse(const char *text, size_t length, int64_t now_ms);

#endif
