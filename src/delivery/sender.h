/* One HTTP exchange after another through libcurl's multi interface: the only place that includes it. */
#ifndef HOOKTURN_DELIVERY_SENDER_H
#define HOOKTURN_DELIVERY_SENDER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/status.h"
#include "model/delivery.h"
#include "model/subscription.h"

struct sender;

/* `policy` is borrowed. STATUS_UNAVAILABLE with a failure text where libcurl cannot be had. */
enum status sender_new(const struct destination_policy *policy, size_t max_connections, struct sender **out,
                       struct failure *failure) MUST_USE;
/* Drops what is still in flight without calling back. */
void sender_free(struct sender *sender);

/* All borrowed until `done` is called, but `headers`, which are copied. */
struct exchange {
    const char *url;
    struct slice body;
    struct header_list headers; /* complete: ours, then the subscription's */
    int64_t timeout_ms;         /* the whole exchange, from name resolution to the last byte */
    void *context;
};

struct exchange_result {
    int32_t status; /* 0: no answer */
    enum attempt_error error;
    int64_t duration_ms;
    int64_t retry_after_ms; /* -1: none */
    struct buf headers;     /* as in struct attempt; the callee of `done` may take them over (and set {0}) */
    struct buf body;
};

/* Starts; the result always comes through `done` from sender_run, never from here. */
void sender_start(struct sender *sender, const struct exchange *exchange,
                  void (*done)(void *context, struct exchange_result *result));
size_t sender_in_flight(const struct sender *sender);
/* Drives transfers and calls `done` for those that ended; waits up to timeout_ms for something to happen, or until
 * wake_fd (-1: none) is readable. */
void sender_run(struct sender *sender, int64_t timeout_ms, int wake_fd);

#endif
