/* A subscription as a client asks for it. */
#ifndef HOOKTURN_API_INPUT_SUBSCRIPTION_H
#define HOOKTURN_API_INPUT_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/response.h"
#include "base/conf.h"
#include "base/json_scan.h"
#include "base/keyring.h"
#include "model/subscription.h"

/* What is left out has its default; texts that were left out are NULL. */
struct subscription_input {
    char *name;
    char *url;
    bool enable_signed_webhooks;
    bool active;
    struct text_list events;
    struct header_list headers;
    char *description;
    struct text_list agent_ids;
    struct text_list workspace_ids;
    int64_t request_timeout_ms; /* 0: left out */
    struct retry_policy retry_policy;
};

/* NULL, or a sentence for the client: malformed JSON (then `errors` stays empty), or that members are not valid (then
 * `errors` names all of them). Clear `out` with subscription_input_clear in any case. */
const char *subscription_input_read(struct slice body, const struct conf *conf, struct subscription_input *out,
                                    struct field_errors *errors);
/* A JSON merge patch (RFC 7396) over `input`, which holds the subscription as it is; the rules hold for the result.
 * NULL, or a sentence (then `errors` names all members that are not valid in the result). */
const char *subscription_input_patch(const struct json_scan *patch, const struct conf *conf,
                                     struct subscription_input *input, struct field_errors *errors);
void subscription_input_clear(struct subscription_input *input);

/* The subscription as if a client had asked for it. STATUS_CORRUPT where its headers do not open. */
enum status subscription_input_from(const struct subscription *subscription, const struct keyring *keyring,
                                    struct subscription_input *out) MUST_USE;
bool subscription_input_equals(const struct subscription_input *a, const struct subscription_input *b);

#endif
