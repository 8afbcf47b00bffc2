/* The record's side of POST, PUT, PATCH and DELETE. The handlers call these within a verb's pure function. */
#include "api/apply_subscription.h"

#include <string.h>

#include "base/mem.h"

static void replace_text(char **member, const char *text)
{
    mem_free_cleansed_text(*member);
    *member = text != NULL ? mem_strdup(text) : NULL;
}

/* What another URL failed to take, or this one before a pause, says nothing of the time to come. */
static bool begins_anew(const struct subscription *subscription, const struct subscription_input *input)
{
    return input->active && (!subscription->active || strcmp(subscription->url, input->url) != 0);
}

static void replace_settings(struct subscription *subscription, const struct subscription_input *input,
                             const struct keyring *keyring, int64_t now_ms)
{
    if (begins_anew(subscription, input))
        subscription->activated_at_ms = now_ms;
    replace_text(&subscription->name, input->name);
    replace_text(&subscription->url, input->url);
    subscription->active = input->active;
    if (input->active)
        subscription->disabled_reason = DISABLED_NOT;
    replace_text(&subscription->description, input->description);
    text_list_copy(&input->events, &subscription->events);
    text_list_copy(&input->agent_ids, &subscription->agent_ids);
    text_list_copy(&input->workspace_ids, &subscription->workspace_ids);
    subscription->request_timeout_ms = input->request_timeout_ms;
    subscription->retry_policy = input->retry_policy;
    subscription_seal_headers(subscription, keyring, &input->headers);
}

static void add_first_secret(struct subscription *subscription, const struct keyring *keyring,
                             const char secret[SECRET_TEXT], int64_t now_ms)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    secret_seal(keyring, id, secret, now_ms, &subscription->secrets.items[0]);
    subscription->secrets.count = 1;
}

bool apply_subscription(struct subscription *subscription, const struct subscription_input *input,
                        const struct keyring *keyring, const char secret[SECRET_TEXT], int64_t now_ms)
{
    replace_settings(subscription, input, keyring, now_ms);
    bool was_signed = subscription->secrets.count > 0;
    if (!input->enable_signed_webhooks)
        secret_list_clear(&subscription->secrets);
    else if (!was_signed)
        add_first_secret(subscription, keyring, secret, now_ms);
    return input->enable_signed_webhooks && !was_signed;
}

void apply_deletion(struct subscription *subscription, int64_t now_ms)
{
    struct subscription tombstone = {.id = subscription->id,
                                     .organization_id = subscription->organization_id,
                                     .version = subscription->version,
                                     .is_deleted = true,
                                     .created_at_ms = subscription->created_at_ms,
                                     .updated_at_ms = now_ms};
    subscription_clear(subscription);
    *subscription = tombstone;
}

const char *apply_subscription_message(enum status status)
{
    switch (status) {
    case STATUS_NOT_FOUND:
        return "no such subscription";
    case STATUS_EXISTS:
        return "another subscription of the organization has this name";
    case STATUS_LIMIT:
        return "the organization has as many subscriptions as it may have";
    case STATUS_PRECONDITION:
        return "the subscription has changed since If-Match's version: read it again and repeat with its ETag";
    default:
        return NULL;
    }
}
