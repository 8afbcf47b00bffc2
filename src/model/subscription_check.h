/* The rules for a subscription's members. Each returns NULL where the value is allowed, else a sentence for the client
 * (static) that says what is allowed. Texts are valid UTF-8 without U+0000; lengths are in bytes. */
#ifndef HOOKTURN_MODEL_SUBSCRIPTION_CHECK_H
#define HOOKTURN_MODEL_SUBSCRIPTION_CHECK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/address.h"
#include "model/subscription.h"

enum {
    NAME_MAX_CHARACTERS = 255,
    DESCRIPTION_MAX_CHARACTERS = 1500,
    EVENT_NAME_MAX = 128,
    EVENTS_MAX = 500,
    SCOPE_IDS_MAX = 500,
    HEADERS_MAX = 50,
    HEADERS_MAX_BYTES = 8192, /* names and values together */
    REQUEST_TIMEOUT_MIN_MS = 100,
    REQUEST_TIMEOUT_MAX_MS = 60000,
    RETRY_ATTEMPTS_MAX = 20,
    RETRY_DELAY_MIN_MS = 1000,
    RETRY_DELAY_MAX_MS = 86400000
};

const char *check_name(const char *text, size_t length);
const char *check_description(const char *text, size_t length);
/* Grammar, literal special addresses (but `policy`'s exceptions), denied ports, and https alone where required. */
const char *check_url(const char *text, size_t length, const struct destination_policy *policy, bool require_https);
/* An entry of `events`: "*", "Service.*" or "Service.Event". */
const char *check_event_filter(const char *text, size_t length);
/* The name of an event to publish: "Service.Event", not of the service "Webhook". */
const char *check_event_name(const char *text, size_t length);
/* 1-128 of [A-Za-z0-9_-]. */
const char *check_trace_id(const char *text, size_t length);
/* An entry of agent_ids or workspace_ids; also agent_id and workspace_id of an event. */
const char *check_scope_id(const char *text, size_t length);
/* An RFC 9110 token that is not one of ours or of the connection's. */
const char *check_header_name(const char *text, size_t length);
/* Visible ASCII and spaces. */
const char *check_header_value(const char *text, size_t length);
/* What concerns them together: number, bytes, names unique whatever their case. */
const char *check_headers(const struct header_list *headers);

#endif
