/* The members of a subscription: one table says which there are, the rules are the model's. */
#include "api/input_subscription.h"

#include <stdlib.h>
#include <string.h>

#include "api/input.h"
#include "api/retry_strategy.h"
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
    if (message == NULL)
        reader->input->url = slice_dup(text);
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

static const char *read_events(void *context, const struct input_member *member)
{
    return input_text_array(member->value, EVENTS_MAX, "there must be at most 500 events", check_event_filter,
                            &input_of(context)->events);
}

static const char *read_description(void *context, const struct input_member *member)
{
    return input_checked_text(member->value, check_description, &input_of(context)->description);
}

static const char *read_agent_ids(void *context, const struct input_member *member)
{
    return input_text_array(member->value, SCOPE_IDS_MAX, "there must be at most 500 ids", check_scope_id,
                            &input_of(context)->agent_ids);
}

static const char *read_workspace_ids(void *context, const struct input_member *member)
{
    return input_text_array(member->value, SCOPE_IDS_MAX, "there must be at most 500 ids", check_scope_id,
                            &input_of(context)->workspace_ids);
}

static const char *read_timeout(void *context, const struct input_member *member)
{
    return input_integer(member->value, REQUEST_TIMEOUT_MIN_MS, REQUEST_TIMEOUT_MAX_MS,
                         "must be an integer from 100 to 60000", &input_of(context)->request_timeout_ms);
}

/* ---- headers ---- */

static void add_header_error(struct reader *reader, const char *name, const char *message)
{
    struct buf field;
    buf_init(&field);
    buf_printf(&field, "headers.%s", name);
    field_errors_add(reader->errors, buf_text(&field), message);
    buf_clear(&field);
}

static void read_header(struct reader *reader, const char *name, json_object *value)
{
    struct slice text;
    const char *message = check_header_name(name, strlen(name));
    if (message == NULL)
        message = input_text(value, &text);
    if (message == NULL)
        message = check_header_value(text.data, text.length);
    if (message == NULL)
        header_list_add(&reader->input->headers, name, text.data);
    else
        add_header_error(reader, name, message);
}

static size_t count_set(json_object *map)
{
    size_t count = 0;
    json_object_object_foreach(map, name, value)
    {
        (void)name;
        count += value != NULL;
    }
    return count;
}

/* The number comes first: it bounds how many errors are named. */
static const char *read_header_map(struct reader *reader, json_object *map)
{
    if (count_set(map) > HEADERS_MAX)
        return "there must be at most 50 headers";
    json_object_object_foreach(map, name, value)
    {
        if (value != NULL)
            read_header(reader, name, value);
    }
    return check_headers(&reader->input->headers);
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
    return read_header_map(context, member->value);
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

static const struct input_field retry_fields[] = {
    {"retry_policy.retryStrategy", false, false, read_strategy},
    {"retry_policy.maxRetryAttempts", false, false, read_attempts},
    {"retry_policy.maxRetryDelayMs", false, false, read_delay},
};

/* Members that are missing take the configured defaults, which become the subscription's own. */
static const char *read_retry_policy(void *context, const struct input_member *member)
{
    struct reader *reader = context;
    if (!json_object_is_type(member->value, json_type_object))
        return "must be an object";
    reader->input->retry_policy = (struct retry_policy){.is_set = true,
                                                        .strategy = reader->conf->retry_strategy,
                                                        .max_attempts = (int32_t)reader->conf->retry_attempts,
                                                        .max_delay_ms = reader->conf->retry_max_delay_ms};
    input_read_members(member->value, retry_fields, COUNT_OF(retry_fields), context, reader->errors);
    return NULL;
}

/* ---- the whole ---- */

static const struct input_field fields[] = {
    {"name", true, false, read_name},
    {"url", true, false, read_url},
    {"enable_signed_webhooks", true, false, read_signed},
    {"active", false, false, read_active},
    {"events", false, false, read_events},
    {"headers", false, false, read_headers},
    {"description", false, false, read_description},
    {"agent_ids", false, false, read_agent_ids},
    {"workspace_ids", false, false, read_workspace_ids},
    {"request_timeout_ms", false, false, read_timeout},
    {"retry_policy", false, false, read_retry_policy},
};

static void check_scope_lists(const struct subscription_input *input, struct field_errors *errors)
{
    static const char message[] = "agent_ids and workspace_ids cannot be set both";
    if (input->agent_ids.count == 0 || input->workspace_ids.count == 0)
        return;
    field_errors_add(errors, "agent_ids", message);
    field_errors_add(errors, "workspace_ids", message);
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
    input_read_fields(&scan, fields, COUNT_OF(fields), &reader, errors);
    check_scope_lists(out, errors);
    json_scan_clear(&scan);
    return errors->count > 0 ? "the subscription has members that are missing or not valid" : NULL;
}

void subscription_input_clear(struct subscription_input *input)
{
    free(input->name);
    free(input->url);
    text_list_clear(&input->events);
    header_list_clear(&input->headers);
    free(input->description);
    text_list_clear(&input->agent_ids);
    text_list_clear(&input->workspace_ids);
    *input = (struct subscription_input){0};
}
