/* One exchange on one of libcurl's easy handles, which serve again and again. Internal to the sender. */
#ifndef HOOKTURN_DELIVERY_TRANSFER_H
#define HOOKTURN_DELIVERY_TRANSFER_H

#include <curl/curl.h>
#include <stdbool.h>
#include <stdint.h>

#include "delivery/guard.h"
#include "delivery/reply.h"
#include "delivery/sender.h"
#include "delivery/trust.h"

struct transfer {
    CURL *easy;
    struct curl_slist *headers;
    struct url url;
    struct guard guard;
    struct reply reply;
    enum attempt_error refusal; /* why it was not even begun */
    int64_t started_at_ms;      /* clock_monotonic_ms */
    void *context;
    void (*done)(void *context, struct exchange_result *result);
    struct transfer *next; /* in the sender's list of idle or of refused ones */
    bool is_running;       /* added to the multi handle */
};

/* What an attempt that ended with `code` is called. */
enum attempt_error transfer_error_of(CURLcode code);
/* An option whose value is a number. */
struct transfer_number {
    CURLoption option;
    long value;
};
/* False where this libcurl cannot. */
bool transfer_set_numbers(CURL *easy, const struct transfer_number *numbers, size_t count);
/* HTTP and HTTPS alone. False where this libcurl cannot. */
bool transfer_set_protocols(CURL *easy);
/* Likewise. */
bool transfer_set_trust(CURL *easy, const struct trust *trust);

/* NULL where this libcurl does not know an option that the sender cannot do without. */
struct transfer *transfer_new(const struct destination_policy *policy);
void transfer_free(struct transfer *transfer);
/* Makes the handle ready to run. False, with `refusal` set: it must not run. */
bool transfer_prepare(struct transfer *transfer, const struct exchange *exchange);
/* The outcome of a run that ended with `code` (or of one that was refused). Makes the transfer ready for another
 * exchange; the caller owns the result's buffers. */
void transfer_finish(struct transfer *transfer, CURLcode code, struct exchange_result *out);

#endif
