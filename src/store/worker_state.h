/* What the delivery workers tell everybody else without the store: a small file with figures below data_dir, to which
 * each of them adds about once a second. */
#ifndef HOOKTURN_STORE_WORKER_STATE_H
#define HOOKTURN_STORE_WORKER_STATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "base/url.h"
#include "model/delivery.h"

/* Attempts by their outcome, those without an answer in the order of enum attempt_error; then deliveries by their end;
 * then attempts by how long they took, each in the first bucket that holds it, and the sum of those times. */
enum worker_count {
    WORKER_ATTEMPTS_DELIVERED, /* the receiver took it */
    WORKER_ATTEMPTS_STATUS,    /* it answered something else than 2xx */
    WORKER_ATTEMPTS_TIMEOUT,
    WORKER_ATTEMPTS_CONNECT,
    WORKER_ATTEMPTS_DNS,
    WORKER_ATTEMPTS_TLS,
    WORKER_ATTEMPTS_BLOCKED,
    WORKER_ATTEMPTS_TOO_LARGE,
    WORKER_ATTEMPTS_PROTOCOL,
    WORKER_DELIVERIES_DELIVERED,
    WORKER_DELIVERIES_FAILED,
    WORKER_DURATIONS, /* the first of WORKER_DURATION_BUCKETS */
    WORKER_DURATION_SUM_MS = WORKER_DURATIONS + 13,
    WORKER_COUNTS
};
/* "attempts_delivered" and so on: in the file, and for whoever prints them. */
const char *worker_count_name(enum worker_count count);

struct worker_counts {
    uint64_t of[WORKER_COUNTS];
};
/* Counts an attempt, and its delivery where `next` ends it. */
void worker_counts_attempt(struct worker_counts *counts, const struct attempt *attempt, enum delivery_status next);

enum { WORKER_DURATION_BUCKETS = WORKER_DURATION_SUM_MS - WORKER_DURATIONS };
/* Up to and including so many milliseconds; INT64_MAX for the last bucket. */
int64_t worker_duration_bound_ms(int bucket);

/* What waits, as it was counted last: a worker takes some time for that. */
enum { WORKER_DESTINATIONS = 10 };
struct worker_backlog {
    int64_t counted_at_ms; /* 0: not yet */
    uint64_t due;          /* deliveries that could be sent */
    uint64_t later;        /* whose next attempt is not due, or that a worker is at */
    uint64_t held;         /* whose subscription is not active */
    struct worker_destination {
        char host[URL_HOST_SIZE];
        uint64_t due;
    } destinations[WORKER_DESTINATIONS]; /* those with most that could be sent, the worst first */
    size_t destination_count;
};

/* Destinations whose last request failed, as the worker sees it that wrote last; those with the most failures in a row
 * first. */
enum { WORKER_DESTINATION_NAME = URL_HOST_SIZE + 6 };
struct worker_failing {
    struct {
        char name[WORKER_DESTINATION_NAME]; /* "host:port" */
        uint64_t failures;                  /* in a row */
        uint64_t window;                    /* how many requests it gets at a time */
    } items[WORKER_DESTINATIONS];
    size_t count;
};

/* Attempts that were counted in one minute of the clock. */
struct worker_minute {
    int64_t minute; /* since 1970 */
    uint64_t succeeded;
    uint64_t failed;
};

enum { WORKER_MINUTES = 61 }; /* an hour, and the present one */

struct worker_state {
    bool is_running;                              /* worker_lock_is_held */
    int64_t last_run_at_ms;                       /* 0: none ever ran */
    int64_t oldest_due_seconds;                   /* -1: not known */
    int64_t since_ms;                             /* when counting began; 0: nothing was counted yet */
    struct worker_counts counts;                  /* of all workers since then; they only rise */
    struct worker_backlog backlog;                /* the last that was handed in */
    struct worker_failing failing;                /* likewise */
    struct worker_minute minutes[WORKER_MINUTES]; /* a ring: minute modulo WORKER_MINUTES */
};

/* Attempts of the last minute and the last hour. Of the clock's minutes the present one counts whole and the oldest one
 * by the part of it that lies within, as if evenly spread. */
struct worker_rates {
    uint64_t minute_succeeded, minute_failed;
    uint64_t hour_succeeded, hour_failed;
};
struct worker_rates worker_state_rates(const struct worker_state *state, int64_t now_ms);

/* `backlog` and `failing` take the places of the last ones; NULL: those stay. Adds `counts` to what all workers counted
 * so far, and empties them. On any other status they keep what they hold, to be handed in again: STATUS_AGAIN where
 * others are at it for too long, STATUS_FULL, STATUS_IO. Written beside and renamed: who reads sees one state or the
 * other. */
enum status worker_state_write(const char *data_dir, int64_t now_ms, int64_t oldest_due_seconds,
                               const struct worker_backlog *backlog, const struct worker_failing *failing,
                               struct worker_counts *counts) MUST_USE;
/* Never fails: what cannot be read is not known. */
void worker_state_read(const char *data_dir, struct worker_state *out);

/* ---- worker_state_text.c, for worker_state.c ---- */

enum { WORKER_STATE_MAX_BYTES = 16384 };

/* Everything but is_running, which stands in no file. */
void worker_state_add(struct worker_state *state, int64_t now_ms, const struct worker_counts *counts);
void worker_state_encode(const struct worker_state *state, struct buf *out);
/* False for anything that encode does not write; `out` is left alone then. */
bool worker_state_decode(struct slice text, struct worker_state *out);

#endif
