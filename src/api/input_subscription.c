/* The members of a subscription: one table says which there are, the rules are the model's. */
#include "api/input_subscription.h"

#include <string.h>

#include "api/input.h"
#include "api/input_headers.h"
#include "model/retry_strategy.h"
#include "base/mem.h"
#include "model/subscription_check.h"

#define COUNT_OF(array) (sizeof(array) / sizeof(array)[0])

struct reader {
    const struct conf *conf;
    struct subscription_input *input;
    struct field_errors *errors;
};

static struct subscription_input *input_of(void *context)
{
    return ((struct reader *)context)->input;
}

static const char *read_name(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_name, &input_of(context)->name);
}

static const char *read_url(void *context, const struct input_member *member)
{
    struct reader *reader = context;
    struct slice text;
    const char *message = input_text(member->value, &text);
    if (message == NULL)
        message = check_url(text.data, text.length, &reader->conf->destinations, reader->conf->require_https);
    if (message == NULL) {
        mem_free_cleansed_text(reader->input->url);
        reader->input->url = slice_dup(text);
    }
    return message;
}

static const char *read_signed(void *context, const struct input_member *member)
{
    return input_bool(member->value, &input_of(context)->enable_signed_webhooks);
}

static const char *read_active(void *context, const struct input_member *member)
{
    return input_bool(member->value, &input_of(context)->active);
}

static void reset_active(void *context)
{
    input_of(context)->active = true;
}

static void reset_events(void *context)
{
    text_list_clear(&input_of(context)->events);
}

static const char *read_events(void *context, const struct input_member *member)
{
    reset_events(context);
    return input_text_array(member->value, EVENTS_MAX, "there must be at most 500 events", check_event_filter,
                            &input_of(context)->events);
}

static const char *read_description(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_description, &input_of(context)->description);
}

static void reset_description(void *context)
{
    mem_free_cleansed_text(input_of(context)->description);
    input_of(context)->description = NULL;
}

static void reset_agent_ids(void *context)
{
    text_list_clear(&input_of(context)->agent_ids);
}

static const char *read_agent_ids(void *context, const struct input_member *member)
{
    reset_agent_ids(context);
    return input_text_array(member->value, SCOPE_IDS_MAX, "there must be at most 500 ids", check_scope_id,
                            &input_of(context)->agent_ids);
}

static void reset_workspace_ids(void *context)
{
    text_list_clear(&input_of(context)->workspace_ids);
}

static const char *read_workspace_ids(void *context, const struct input_member *member)
{
    reset_workspace_ids(context);
    return input_text_array(member->value, SCOPE_IDS_MAX, "there must be at most 500 ids", check_scope_id,
                            &input_of(context)->workspace_ids);
}

static const char *read_timeout(void *context, const struct input_member *member)
{
    return input_integer(member->value, REQUEST_TIMEOUT_MIN_MS, REQUEST_TIMEOUT_MAX_MS,
                         "must be an integer from 100 to 60000", &input_of(context)->request_timeout_ms);
}

static void reset_timeout(void *context)
{
    input_of(context)->request_timeout_ms = 0;
}

/* ---- headers ---- */

static void reset_headers(void *context)
{
    header_list_clear(&input_of(context)->headers);
}

/* json-c takes the last one of a name that is given twice; here that is refused, as in the body itself. */
static const char *read_headers(void *context, const struct input_member *member)
{
    struct json_scan scan;
    const char *message = NULL;
    if (!json_object_is_type(member->value, json_type_object))
        return "must be an object of header names and their values";
    if (json_scan(member->span->value, JSON_MAX_DEPTH, &scan, &message) != STATUS_OK)
        return message;
    json_scan_clear(&scan);
    struct reader *reader = context;
    return input_headers(member->value, &reader->input->headers, reader->errors);
}

/* ---- retry_policy ---- */

static const char *read_strategy(void *context, const struct input_member *member)
{
    static const char allowed[] = "must be \"FIXED_DELAY\" or \"EXPONENTIAL_BACKOFF\"";
    struct slice name;
    if (input_text(member->value, &name) != NULL)
        return allowed;
    enum status status = retry_strategy_parse(name.data, &input_of(context)->retry_policy.strategy);
    return status == STATUS_OK ? NULL : allowed;
}

static const char *read_attempts(void *context, const struct input_member *member)
{
    int64_t value = 0;
    const char *message =
        input_integer(member->value, 0, RETRY_ATTEMPTS_MAX, "must be an integer from 0 to 20", &value);
    if (message == NULL)
        input_of(context)->retry_policy.max_attempts = (int32_t)value;
    return message;
}

static const char *read_delay(void *context, const struct input_member *member)
{
    return input_integer(member->value, RETRY_DELAY_MIN_MS, RETRY_DELAY_MAX_MS,
                         "must be an integer from 1000 to 86400000", &input_of(context)->retry_policy.max_delay_ms);
}

static void reset_strategy(void *context)
{
    struct reader *reader = context;
    reader->input->retry_policy.strategy = reader->conf->retry_strategy;
}

static void reset_attempts(void *context)
{
    struct reader *reader = context;
    reader->input->retry_policy.max_attempts = (int32_t)reader->conf->retry_attempts;
}

static void reset_delay(void *context)
{
    struct reader *reader = context;
    reader->input->retry_policy.max_delay_ms = reader->conf->retry_max_delay_ms;
}

static const struct input_field retry_fields[] = {
    {"retry_policy.retryStrategy", false, false, read_strategy, reset_strategy},
    {"retry_policy.maxRetryAttempts", false, false, read_attempts, reset_attempts},
    {"retry_policy.maxRetryDelayMs", false, false, read_delay, reset_delay},
};

static void reset_retry_policy(void *context)
{
    input_of(context)->retry_policy = (struct retry_policy){0};
}

/* Members that are missing take the configured defaults, which become the subscription's own. */
static const char *read_retry_policy(void *context, const struct input_member *member)
{
    struct reader *reader = context;
    if (!json_object_is_type(member->value, json_type_object))
        return "must be an object";
    if (!reader->input->retry_policy.is_set)
        for (size_t i = 0; i < COUNT_OF(retry_fields); i++)
            retry_fields[i].reset(context);
    reader->input->retry_policy.is_set = true;
    input_read_members(member->value, retry_fields, COUNT_OF(retry_fields), context, reader->errors);
    return NULL;
}

/* ---- the whole ---- */

static const struct input_field fields[] = {
    {"name", true, false, read_name, NULL},
    {"url", true, false, read_url, NULL},
    {"enable_signed_webhooks", true, false, read_signed, NULL},
    {"active", false, false, read_active, reset_active},
    {"events", false, false, read_events, reset_events},
    {"headers", false, false, read_headers, reset_headers},
    {"description", false, false, read_description, reset_description},
    {"agent_ids", false, false, read_agent_ids, reset_agent_ids},
    {"workspace_ids", false, false, read_workspace_ids, reset_workspace_ids},
    {"request_timeout_ms", false, false, read_timeout, reset_timeout},
    {"retry_policy", false, false, read_retry_policy, reset_retry_policy},
};

static void check_scope_lists(const struct subscription_input *input, struct field_errors *errors)
{
    static const char message[] = "agent_ids and workspace_ids cannot be set both; make one of them null";
    if (input->agent_ids.count == 0 || input->workspace_ids.count == 0)
        return;
    field_errors_add(errors, "agent_ids", message);
    field_errors_add(errors, "workspace_ids", message);
}

static const char *finish(const struct reader *reader)
{
    check_scope_lists(reader->input, reader->errors);
    return reader->errors->count > 0 ? "the subscription has members that are missing or not valid" : NULL;
}

const char *subscription_input_read(struct slice body, const struct conf *conf, struct subscription_input *out,
                                    struct field_errors *errors)
{
    *out = (struct subscription_input){.active = true};
    struct json_scan scan;
    const char *message = input_scan(body, &scan);
    if (message != NULL)
        return message;
    struct reader reader = {conf, out, errors};
    input_read_fields(&scan, fields, COUNT_OF(fields), INPUT_WHOLE, &reader, errors);
    json_scan_clear(&scan);
    return finish(&reader);
}

/* The rules for URLs are the configuration's in part: what was allowed once need not be any more. */
static void check_kept_url(const struct reader *reader)
{
    const char *url = reader->input->url;
    const char *message = check_url(url, strlen(url), &reader->conf->destinations, reader->conf->require_https);
    if (message != NULL)
        field_errors_add(reader->errors, "url", message);
}

const char *subscription_input_patch(const struct json_scan *patch, const struct conf *conf,
                                     struct subscription_input *input, struct field_errors *errors)
{
    struct reader reader = {conf, input, errors};
    input_read_fields(patch, fields, COUNT_OF(fields), INPUT_PATCH, &reader, errors);
    check_kept_url(&reader);
    return finish(&reader);
}
