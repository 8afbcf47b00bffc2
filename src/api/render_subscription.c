/* The subscription object of the API: unset members are left out, secrets are shown by their fingerprints. */
#include "api/render_subscription.h"

#include "base/json_out.h"
#include "model/retry_strategy.h"
#include "base/id.h"
#include "model/health.h"

static const char *const scope_names[] = {
    [SCOPE_ORGANIZATION] = "ORGANIZATION", [SCOPE_WORKSPACE] = "WORKSPACE", [SCOPE_AGENT] = "AGENT"};

static void add_identity(json_object *object, const struct subscription *subscription)
{
    char id[OBJECT_ID_TEXT];
    char organization_id[UUID_TEXT];
    object_id_format(&subscription->id, id);
    uuid_format(&subscription->organization_id, organization_id);
    json_out_text(object, "id", id);
    json_out_text(object, "organization_id", organization_id);
    json_out_text(object, "scope", scope_names[subscription_scope(subscription)]);
    json_out_text(object, "created_user_id", subscription->created_user_id);
}

static void add_texts(json_object *object, const char *name, const struct text_list *list)
{
    json_object *array = json_out_array(object, name);
    for (size_t i = 0; i < list->count; i++)
        json_out_text(array, NULL, list->items[i]);
}

static void add_headers(json_object *object, const struct header_list *headers, bool shows_values)
{
    if (headers->count == 0)
        return;
    json_object *member = json_out_object(object, "headers");
    for (size_t i = 0; i < headers->count; i++)
        json_out_text(member, headers->items[i].name, shows_values ? headers->items[i].value : "[hidden]");
}

static void add_settings(json_object *object, const struct subscription *subscription,
                         const struct header_list *headers, bool shows_values)
{
    json_out_text(object, "name", subscription->name);
    json_out_text(object, "url", subscription->url);
    add_texts(object, "events", &subscription->events);
    json_out_bool(object, "active", subscription->active);
    add_headers(object, headers, shows_values);
    if (subscription->description != NULL)
        json_out_text(object, "description", subscription->description);
    if (subscription->agent_ids.count > 0)
        add_texts(object, "agent_ids", &subscription->agent_ids);
    if (subscription->workspace_ids.count > 0)
        add_texts(object, "workspace_ids", &subscription->workspace_ids);
    if (subscription->request_timeout_ms != 0)
        json_out_integer(object, "request_timeout_ms", subscription->request_timeout_ms);
    retry_strategy_put_policy(object, &subscription->retry_policy);
}

/* What may be known of a secret: not its text. */
static void add_signing_secret(json_object *array, const struct secret *secret)
{
    char fingerprint[SECRET_FINGERPRINT];
    secret_fingerprint(secret, fingerprint);
    json_object *element = json_out_object(array, NULL);
    json_out_text(element, "fingerprint", fingerprint);
    json_out_time(element, "created_at", secret->created_at_ms);
    json_out_set_time(element, "expires_at", secret->expires_at_ms);
}

static void add_signing(json_object *object, const struct secret_list *secrets, int64_t now_ms)
{
    json_out_bool(object, "signing_enabled", secrets->count > 0);
    if (secrets->count == 0)
        return;
    json_object *array = json_out_array(object, "signing_secrets");
    for (size_t i = 0; i < secrets->count; i++)
        if (secret_is_valid(&secrets->items[i], now_ms))
            add_signing_secret(array, &secrets->items[i]);
    int64_t previous_ms = secret_list_previous_expires_at(secrets, now_ms);
    if (previous_ms != 0)
        json_out_time(object, "previous_secret_expires_at", previous_ms);
}

enum status render_subscription(const struct subscription *subscription, const struct keyring *keyring,
                                bool shows_headers, const char *secret, int64_t now_ms, struct success *out)
{
    struct header_list headers = {0};
    enum status status = subscription_unseal_headers(subscription, keyring, &headers);
    if (status != STATUS_OK)
        return status;
    json_object *object = json_out_new();
    add_identity(object, subscription);
    add_settings(object, subscription, &headers, shows_headers);
    header_list_clear(&headers);
    add_signing(object, &subscription->secrets, now_ms);
    if (subscription->disabled_reason != DISABLED_NOT)
        json_out_text(object, "disabled_reason", disabled_reason_name(subscription->disabled_reason));
    json_out_time(object, "created_at", subscription->created_at_ms);
    json_out_time(object, "updated_at", subscription->updated_at_ms);
    json_out_end(object, &out->body);
    if (secret != NULL)
        success_splice_secret(out, SECRET_LAST, subscription, secret);
    subscription_etag(subscription, now_ms, out->etag);
    return STATUS_OK;
}
