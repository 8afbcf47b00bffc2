/* A subscription's settings as a value: taken from a record, compared, let go. PATCH begins with those of the record
 * and sees by the comparison whether it changed anything. */
#include "api/input_subscription.h"

#include <string.h>

#include "base/mem.h"

enum status subscription_input_from(const struct subscription *subscription, const struct keyring *keyring,
                                    struct subscription_input *out)
{
    struct header_list headers;
    enum status status = subscription_unseal_headers(subscription, keyring, &headers);
    if (status != STATUS_OK)
        return status;
    *out = (struct subscription_input){
        .name = mem_strdup(subscription->name),
        .url = mem_strdup(subscription->url),
        .enable_signed_webhooks = subscription->secrets.count > 0,
        .active = subscription->active,
        .headers = headers,
        .description = subscription->description != NULL ? mem_strdup(subscription->description) : NULL,
        .request_timeout_ms = subscription->request_timeout_ms,
        .retry_policy = subscription->retry_policy,
    };
    text_list_copy(&subscription->events, &out->events);
    text_list_copy(&subscription->agent_ids, &out->agent_ids);
    text_list_copy(&subscription->workspace_ids, &out->workspace_ids);
    return STATUS_OK;
}

/* Either may be NULL. */
static bool texts_equal(const char *a, const char *b)
{
    return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool headers_equal(const struct header_list *a, const struct header_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->items[i].name, b->items[i].name) != 0 || strcmp(a->items[i].value, b->items[i].value) != 0)
            return false;
    return true;
}

static bool retry_policies_equal(const struct retry_policy *a, const struct retry_policy *b)
{
    if (!a->is_set || !b->is_set)
        return a->is_set == b->is_set;
    return a->strategy == b->strategy && a->max_attempts == b->max_attempts && a->max_delay_ms == b->max_delay_ms;
}

bool subscription_input_equals(const struct subscription_input *a, const struct subscription_input *b)
{
    return texts_equal(a->name, b->name) && texts_equal(a->url, b->url) &&
           a->enable_signed_webhooks == b->enable_signed_webhooks && a->active == b->active &&
           text_list_equals(&a->events, &b->events) && headers_equal(&a->headers, &b->headers) &&
           texts_equal(a->description, b->description) && text_list_equals(&a->agent_ids, &b->agent_ids) &&
           text_list_equals(&a->workspace_ids, &b->workspace_ids) && a->request_timeout_ms == b->request_timeout_ms &&
           retry_policies_equal(&a->retry_policy, &b->retry_policy);
}

/* Cleansed as the record's texts are. */
void subscription_input_clear(struct subscription_input *input)
{
    mem_free_cleansed_text(input->name);
    mem_free_cleansed_text(input->url);
    text_list_clear(&input->events);
    header_list_clear(&input->headers);
    mem_free_cleansed_text(input->description);
    text_list_clear(&input->agent_ids);
    text_list_clear(&input->workspace_ids);
    *input = (struct subscription_input){0};
}
