/* Subscriptions of an export, read: with the rules of the API for their members, and with secrets that open. */
#include "model/export_record_take.h"

#include <string.h>

#include "base/encoding.h"
#include "base/url.h"
#include "model/health.h"
#include "model/retry_strategy.h"
#include "model/subscription_check.h"

/* ---- secrets and headers ---- */

static bool is_secret(const char *text)
{
    unsigned char bytes[SECRET_TEXT];
    size_t length = 0;
    bool is_one = text != NULL && strlen(text) == SECRET_TEXT - 1 && strncmp(text, "whsec_", 6) == 0 &&
                  base64_decode(text + 6, SECRET_TEXT - 7, bytes, sizeof bytes, &length) == STATUS_OK;
    crypto_cleanse(bytes, sizeof bytes);
    return is_one;
}

static void take_plain_secret(struct json_take *take, const struct export_record_form *form, const char *id,
                              struct secret *out)
{
    const char *text = json_take_text(take, "secret", JSON_REQUIRED, SECRET_TEXT);
    if (is_secret(text))
        secret_seal(form->keyring, id, text, 0, out);
    else
        json_take_fail(take, "secret", "is no signing secret");
}

static void take_sealed_secret(struct json_take *take, const struct export_record_form *form, const char *id,
                               struct secret *out)
{
    char text[SECRET_TEXT] = "";
    json_take_hex(take, "sha256", out->digest, sizeof out->digest);
    export_record_take_sealed(take, form, slice_of(id), &out->sealed);
    if (json_take_is_ok(take) && secret_unseal(form->keyring, id, out, text) != STATUS_OK)
        json_take_fail(take, "sha256", "is not that of the secret");
    crypto_cleanse(text, sizeof text);
}

static void take_secret(json_object *value, const struct export_record_form *form, const char *id, bool is_newest,
                        struct secret *out, struct json_take *outer)
{
    struct json_take take = json_take_from(value);
    if (!json_object_is_type(value, json_type_object)) {
        json_take_fail(outer, "signing_secrets", "holds something else than objects");
        return;
    }
    if (form->is_plain)
        take_plain_secret(&take, form, id, out);
    else
        take_sealed_secret(&take, form, id, out);
    out->created_at_ms = json_take_time(&take, "created_at", JSON_REQUIRED);
    out->expires_at_ms = json_take_time(&take, "expires_at", JSON_OPTIONAL);
    if ((out->expires_at_ms == 0) != is_newest)
        json_take_fail(&take, "expires_at", "must stand in each but the first");
    if (!json_take_is_ok(&take))
        json_take_fail(outer, "signing_secrets:", take.wrong);
}

static void take_secrets(struct json_take *take, const struct export_record_form *form, const char *id,
                         struct secret_list *out)
{
    json_object *array = json_take_container(take, "signing_secrets", JSON_OPTIONAL, json_type_array);
    size_t count = array != NULL ? json_object_array_length(array) : 0;
    if (count > SECRETS_STORED_MAX)
        json_take_fail(take, "signing_secrets", "has too many items");
    for (size_t i = 0; i < count && json_take_is_ok(take); i++)
        take_secret(json_object_array_get_idx(array, i), form, id, i == 0, &out->items[out->count++], take);
}

static void take_header(struct json_take *take, json_object *value, struct header_list *out)
{
    struct json_take header = json_take_from(value);
    bool is_object = json_object_is_type(value, json_type_object);
    const char *name = is_object ? json_take_text(&header, "name", JSON_REQUIRED, HEADERS_MAX_BYTES) : NULL;
    const char *text = is_object ? json_take_text(&header, "value", JSON_REQUIRED, HEADERS_MAX_BYTES) : NULL;
    if (name == NULL || text == NULL || check_header_name(name, strlen(name)) != NULL ||
        check_header_value(text, strlen(text)) != NULL)
        json_take_fail(take, "headers", "has an item that is not allowed");
    else
        header_list_add(out, name, text);
}

static void take_plain_headers(struct json_take *take, const struct export_record_form *form, struct subscription *out)
{
    struct header_list headers = {0};
    json_object *array = json_take_container(take, "headers", JSON_REQUIRED, json_type_array);
    size_t count = array != NULL ? json_object_array_length(array) : 0;
    for (size_t i = 0; i < count && i <= HEADERS_MAX && json_take_is_ok(take); i++)
        take_header(take, json_object_array_get_idx(array, i), &headers);
    const char *why = check_headers(&headers);
    if (why != NULL)
        json_take_fail(take, "headers", why);
    if (json_take_is_ok(take))
        subscription_seal_headers(out, form->keyring, &headers);
    header_list_clear(&headers);
}

static void take_headers(struct json_take *take, const struct export_record_form *form, const char *id,
                         struct subscription *out)
{
    struct header_list headers = {0};
    if (!json_take_has(take, "headers"))
        return;
    if (form->is_plain) {
        take_plain_headers(take, form, out);
        return;
    }
    json_object *object = json_take_container(take, "headers", JSON_REQUIRED, json_type_object);
    struct json_take inner = json_take_from(object);
    if (object != NULL)
        export_record_take_sealed(&inner, form, slice_of(id), &out->sealed_headers);
    if (!json_take_is_ok(&inner))
        json_take_fail(take, "headers:", inner.wrong);
    if (json_take_is_ok(take) && subscription_unseal_headers(out, form->keyring, &headers) != STATUS_OK)
        json_take_fail(take, "headers", "are damaged");
    header_list_clear(&headers);
}

/* ---- the record ---- */

static const int64_t version_max = INT64_MAX / 2; /* the store counts on from there */

static void read_retry_policy(struct json_take *take, struct retry_policy *out)
{
    json_object *object = json_take_container(take, "retry_policy", JSON_OPTIONAL, json_type_object);
    struct json_take policy = json_take_from(object);
    if (object == NULL)
        return;
    const char *name = json_take_text(&policy, "retryStrategy", JSON_REQUIRED, EXPORT_RECORD_WORD_MAX);
    if (name == NULL || retry_strategy_parse(name, &out->strategy) != STATUS_OK)
        json_take_fail(&policy, "retryStrategy", "is not known");
    out->is_set = true;
    out->max_attempts = (int32_t)json_take_integer(&policy, "maxRetryAttempts", JSON_REQUIRED, 0, RETRY_ATTEMPTS_MAX);
    out->max_delay_ms =
        json_take_integer(&policy, "maxRetryDelayMs", JSON_REQUIRED, RETRY_DELAY_MIN_MS, RETRY_DELAY_MAX_MS);
    if (!json_take_is_ok(&policy))
        json_take_fail(take, "retry_policy:", policy.wrong);
}

static void read_disabled_reason(struct json_take *take, struct subscription *out)
{
    const char *name = json_take_text(take, "disabled_reason", JSON_OPTIONAL, EXPORT_RECORD_WORD_MAX);
    for (int reason = DISABLED_GONE; name != NULL && reason <= DISABLED_FAILING; reason++)
        if (strcmp(disabled_reason_name((enum disabled_reason)reason), name) == 0)
            out->disabled_reason = (enum disabled_reason)reason;
    if (name != NULL && (out->disabled_reason == DISABLED_NOT || out->active))
        json_take_fail(take, "disabled_reason", "is not possible");
}

static void read_members(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct subscription *subscription = &out->subscription;
    struct url url;
    const char *why;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    subscription->created_user_id =
        export_record_take_copy(take, "created_user_id", JSON_REQUIRED, EXPORT_RECORD_LABEL_MAX);
    subscription->name = export_record_take_copy(take, "name", JSON_REQUIRED, EXPORT_RECORD_LABEL_MAX);
    export_record_take_hold(take, "name", subscription->name, check_name);
    subscription->url = export_record_take_copy(take, "url", JSON_REQUIRED, URL_MAX_BYTES);
    if (url_parse(subscription->url, strlen(subscription->url), &url, &why) != STATUS_OK)
        json_take_fail(take, "url", why);
    subscription->active = json_take_bool(take, "active");
    read_disabled_reason(take, subscription);
    subscription->activated_at_ms = json_take_time(take, "activated_at", JSON_OPTIONAL);
    out->failing_since_ms = json_take_time(take, "failing_since", JSON_OPTIONAL);
    subscription->description =
        export_record_take_copy(take, "description", JSON_OPTIONAL, 4 * DESCRIPTION_MAX_CHARACTERS);
    export_record_take_hold(take, "description", subscription->description, check_description);
    export_record_take_text_list(take, "events", EVENTS_MAX, check_event_filter, &subscription->events);
    export_record_take_text_list(take, "agent_ids", SCOPE_IDS_MAX, check_scope_id, &subscription->agent_ids);
    export_record_take_text_list(take, "workspace_ids", SCOPE_IDS_MAX, check_scope_id, &subscription->workspace_ids);
    if (subscription->agent_ids.count > 0 && subscription->workspace_ids.count > 0)
        json_take_fail(take, "agent_ids", "and workspace_ids exclude each other");
    if (json_take_has(take, "request_timeout_ms"))
        subscription->request_timeout_ms = json_take_integer(take, "request_timeout_ms", JSON_REQUIRED,
                                                             REQUEST_TIMEOUT_MIN_MS, REQUEST_TIMEOUT_MAX_MS);
    read_retry_policy(take, &subscription->retry_policy);
    take_headers(take, form, id, subscription);
    take_secrets(take, form, id, &subscription->secrets);
}

void export_record_read_subscription(struct json_take *take, const struct export_record_form *form,
                                     struct export_record *out)
{
    struct subscription *subscription = &out->subscription;
    export_record_take_id(take, "id", &subscription->id);
    json_take_uuid(take, "organization_id", &subscription->organization_id);
    subscription->version = (uint64_t)json_take_integer(take, "version", JSON_REQUIRED, 1, version_max);
    subscription->is_deleted = json_take_bool(take, "deleted");
    subscription->created_at_ms = json_take_time(take, "created_at", JSON_REQUIRED);
    subscription->updated_at_ms = json_take_time(take, "updated_at", JSON_REQUIRED);
    if (!subscription->is_deleted)
        read_members(take, form, out);
}
