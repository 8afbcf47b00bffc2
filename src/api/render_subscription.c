/* The subscription object of the API: unset members are left out, secrets are shown by their fingerprints. */
#include "api/render_subscription.h"

#include "api/json_write.h"
#include "api/retry_strategy.h"
#include "base/id.h"

static const char *const scope_names[] = {
    [SCOPE_ORGANIZATION] = "ORGANIZATION", [SCOPE_WORKSPACE] = "WORKSPACE", [SCOPE_AGENT] = "AGENT"};

static const char *const reason_names[] = {[DISABLED_GONE] = "GONE", [DISABLED_FAILING] = "FAILING"};

static void write_identity(struct json_writer *writer, const struct subscription *subscription)
{
    char id[OBJECT_ID_TEXT];
    char organization_id[UUID_TEXT];
    object_id_format(&subscription->id, id);
    uuid_format(&subscription->organization_id, organization_id);
    json_write_text(writer, "id", id);
    json_write_text(writer, "organization_id", organization_id);
    json_write_text(writer, "scope", scope_names[subscription_scope(subscription)]);
    json_write_text(writer, "created_user_id", subscription->created_user_id);
}

static void write_texts(struct json_writer *writer, const char *name, const struct text_list *list)
{
    json_write_open(writer, name, '[');
    for (size_t i = 0; i < list->count; i++)
        json_write_text(writer, NULL, list->items[i]);
    json_write_close(writer, ']');
}

static void write_headers(struct json_writer *writer, const struct header_list *headers, bool shows_values)
{
    if (headers->count == 0)
        return;
    json_write_open(writer, "headers", '{');
    for (size_t i = 0; i < headers->count; i++)
        json_write_text(writer, headers->items[i].name, shows_values ? headers->items[i].value : "[hidden]");
    json_write_close(writer, '}');
}

static void write_retry_policy(struct json_writer *writer, const struct retry_policy *policy)
{
    if (!policy->is_set)
        return;
    json_write_open(writer, "retry_policy", '{');
    json_write_text(writer, "retryStrategy", retry_strategy_name(policy->strategy));
    json_write_integer(writer, "maxRetryAttempts", policy->max_attempts);
    json_write_integer(writer, "maxRetryDelayMs", policy->max_delay_ms);
    json_write_close(writer, '}');
}

static void write_settings(struct json_writer *writer, const struct subscription *subscription,
                           const struct header_list *headers, bool shows_values)
{
    json_write_text(writer, "name", subscription->name);
    json_write_text(writer, "url", subscription->url);
    write_texts(writer, "events", &subscription->events);
    json_write_bool(writer, "active", subscription->active);
    write_headers(writer, headers, shows_values);
    if (subscription->description != NULL)
        json_write_text(writer, "description", subscription->description);
    if (subscription->agent_ids.count > 0)
        write_texts(writer, "agent_ids", &subscription->agent_ids);
    if (subscription->workspace_ids.count > 0)
        write_texts(writer, "workspace_ids", &subscription->workspace_ids);
    if (subscription->request_timeout_ms != 0)
        json_write_integer(writer, "request_timeout_ms", subscription->request_timeout_ms);
    write_retry_policy(writer, &subscription->retry_policy);
}

static void write_secret(struct json_writer *writer, const struct secret *secret)
{
    char fingerprint[SECRET_FINGERPRINT];
    secret_fingerprint(secret, fingerprint);
    json_write_open(writer, NULL, '{');
    json_write_text(writer, "fingerprint", fingerprint);
    json_write_time(writer, "created_at", secret->created_at_ms);
    if (secret->expires_at_ms != 0)
        json_write_time(writer, "expires_at", secret->expires_at_ms);
    json_write_close(writer, '}');
}

static void write_signing(struct json_writer *writer, const struct secret_list *secrets, int64_t now_ms)
{
    json_write_bool(writer, "signing_enabled", secrets->count > 0);
    if (secrets->count == 0)
        return;
    json_write_open(writer, "signing_secrets", '[');
    for (size_t i = 0; i < secrets->count; i++)
        if (secret_is_valid(&secrets->items[i], now_ms))
            write_secret(writer, &secrets->items[i]);
    json_write_close(writer, ']');
    int64_t previous_ms = secret_list_previous_expires_at(secrets, now_ms);
    if (previous_ms != 0)
        json_write_time(writer, "previous_secret_expires_at", previous_ms);
}

enum status render_subscription(const struct subscription *subscription, const struct keyring *keyring,
                                bool shows_headers, const char *secret, int64_t now_ms, struct success *out)
{
    struct header_list headers = {0};
    enum status status = subscription_unseal_headers(subscription, keyring, &headers);
    if (status != STATUS_OK)
        return status;
    struct json_writer writer = {.out = &out->body};
    json_write_open(&writer, NULL, '{');
    write_identity(&writer, subscription);
    write_settings(&writer, subscription, &headers, shows_headers);
    header_list_clear(&headers);
    write_signing(&writer, &subscription->secrets, now_ms);
    if (subscription->disabled_reason != DISABLED_NOT)
        json_write_text(&writer, "disabled_reason", reason_names[subscription->disabled_reason]);
    json_write_time(&writer, "created_at", subscription->created_at_ms);
    json_write_time(&writer, "updated_at", subscription->updated_at_ms);
    if (secret != NULL) {
        json_write_text(&writer, "secret", secret);
        success_note_secret(out, subscription);
    }
    json_write_close(&writer, '}');
    subscription_etag(subscription, now_ms, out->etag);
    return STATUS_OK;
}
