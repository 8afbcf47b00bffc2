/* A subscription as a client asks for it. */
#ifndef HOOKTURN_API_INPUT_SUBSCRIPTION_H
#define HOOKTURN_API_INPUT_SUBSCRIPTION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/response.h"
#include "base/conf.h"
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
void subscription_input_clear(struct subscription_input *input);

#endif
