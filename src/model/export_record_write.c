/* Records of an export, written. Members stand in the order of the API's objects; what is not set is left out. */
#include "model/export_record_json.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_out.h"
#include "base/mem.h"
#include "model/health.h"
#include "model/retry_strategy.h"

/* ---- members ---- */

static void put_id(json_object *object, const char *member, const struct object_id *id)
{
    char text[OBJECT_ID_TEXT];
    object_id_format(id, text);
    json_out_text(object, member, text);
}

static void put_uuid(json_object *object, const char *member, const struct uuid *uuid)
{
    char text[UUID_TEXT];
    uuid_format(uuid, text);
    json_out_text(object, member, text);
}

static void put_hex(json_object *object, const char *member, const unsigned char *bytes, size_t length)
{
    char text[2 * SHA256_BYTES + 1];
    hex_encode(bytes, length, text);
    json_out_text(object, member, text);
}

static void put_optional(json_object *object, const char *member, const char *text)
{
    if (text != NULL)
        json_out_text(object, member, text);
}

static void put_number(json_object *object, const char *member, int64_t number)
{
    if (number != 0)
        json_out_integer(object, member, number);
}

static void put_true(json_object *object, const char *member, bool value)
{
    if (value)
        json_out_bool(object, member, true);
}

static void put_base64(json_object *object, const char *member, struct slice bytes)
{
    char *text = mem_alloc(BASE64_SIZE(bytes.length));
    base64_encode(bytes.data, bytes.length, text);
    json_out_text(object, member, text);
    mem_free_cleansed_text(text);
}

/* As it stands where it is a text, else as `<member>_base64`. */
static void put_bytes(json_object *object, const char *member, const struct buf *bytes)
{
    char coded[40];
    const char *text = buf_text(bytes);
    bool is_text = utf8_is_valid(text, bytes->length) && strlen(text) == bytes->length;
    snprintf(coded, sizeof coded, "%s_base64", member);
    if (is_text)
        json_out_text(object, member, text);
    else
        put_base64(object, coded, buf_slice(bytes));
}

static void put_text_list(json_object *object, const char *member, const struct text_list *list)
{
    if (list->count == 0)
        return;
    json_object *array = json_out_array(object, member);
    for (size_t i = 0; i < list->count; i++)
        json_out_text(array, NULL, list->items[i]);
}

/* ---- what is sealed ---- */

/* Sealed under the key that the export's head names, whichever the store had it under. */
static enum status put_sealed(json_object *object, const struct export_record_form *form, struct slice place,
                              const struct buf *sealed)
{
    struct buf copy = {0};
    char name[KEYRING_NAME];
    bool has_changed;
    buf_append_slice(&copy, buf_slice(sealed));
    enum status status = keyring_reseal(form->keyring, place, &copy, &has_changed);
    if (status == STATUS_OK && (!keyring_blob_name(buf_slice(&copy), name) || strcmp(name, form->key_name) != 0))
        status = STATUS_CONFLICT;
    if (status == STATUS_OK)
        put_base64(object, "sealed", buf_slice(&copy));
    buf_clear(&copy);
    return status;
}

static enum status write_secret(json_object *secrets, const struct export_record_form *form, const char *id,
                                const struct secret *secret)
{
    char text[SECRET_TEXT];
    json_object *object = json_out_object(secrets, NULL);
    put_hex(object, "sha256", secret->digest, sizeof secret->digest);
    json_out_time(object, "created_at", secret->created_at_ms);
    json_out_set_time(object, "expires_at", secret->expires_at_ms);
    enum status status = secret_unseal(form->keyring, id, secret, text);
    if (status == STATUS_OK && form->is_plain)
        json_out_text(object, "secret", text);
    else if (status == STATUS_OK)
        status = put_sealed(object, form, slice_of(id), &secret->sealed);
    crypto_cleanse(text, sizeof text);
    return status;
}

static enum status write_headers(json_object *object, const struct export_record_form *form, const char *id,
                                 const struct subscription *subscription)
{
    struct header_list headers;
    enum status status = subscription_unseal_headers(subscription, form->keyring, &headers);
    if (status != STATUS_OK || headers.count == 0)
        return status;
    json_object *array = form->is_plain ? json_out_array(object, "headers") : NULL;
    for (size_t i = 0; i < headers.count && form->is_plain; i++) {
        json_object *header = json_out_object(array, NULL);
        json_out_text(header, "name", headers.items[i].name);
        json_out_text(header, "value", headers.items[i].value);
    }
    header_list_clear(&headers);
    return form->is_plain
               ? STATUS_OK
               : put_sealed(json_out_object(object, "headers"), form, slice_of(id), &subscription->sealed_headers);
}

/* ---- records ---- */

static void add_word(void *array, const char *word)
{
    json_out_text(array, NULL, word);
}

static enum status write_api_key(json_object *object, const struct export_record *item,
                                 const struct export_record_form *form)
{
    const struct api_key *key = &item->api_key;
    (void)form;
    put_id(object, "id", &key->id);
    put_hex(object, "sha256", key->digest, sizeof key->digest);
    put_uuid(object, "organization_id", &key->organization_id);
    json_out_text(object, "created_user_id", key->created_user_id);
    put_optional(object, "name", key->name);
    api_scopes_each(key->scopes, add_word, json_out_array(object, "scopes"));
    json_out_time(object, "created_at", key->created_at_ms);
    json_out_set_time(object, "expires_at", key->expires_at_ms);
    json_out_set_time(object, "revoked_at", key->revoked_at_ms);
    return STATUS_OK;
}

static enum status write_answer(json_object *object, const struct export_record *item,
                                const struct export_record_form *form)
{
    const struct kept_answer *answer = &item->answer;
    const struct slice place = {(const char *)answer->key, sizeof answer->key};
    struct buf plain = {0};
    put_hex(object, "key", answer->key, sizeof answer->key);
    put_hex(object, "fingerprint", answer->fingerprint, sizeof answer->fingerprint);
    json_out_time(object, "expires_at", answer->expires_at_ms);
    if (!form->is_plain)
        return put_sealed(object, form, place, &answer->sealed);
    enum status status = keyring_unseal(form->keyring, place, buf_slice(&answer->sealed), &plain);
    if (status == STATUS_OK)
        put_base64(object, "plain", buf_slice(&plain));
    buf_clear(&plain);
    return status;
}

static enum status write_members(json_object *object, const struct export_record *item,
                                 const struct export_record_form *form)
{
    const struct subscription *subscription = &item->subscription;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    json_out_text(object, "created_user_id", subscription->created_user_id);
    json_out_text(object, "name", subscription->name);
    json_out_text(object, "url", subscription->url);
    json_out_bool(object, "active", subscription->active);
    if (subscription->disabled_reason != DISABLED_NOT)
        json_out_text(object, "disabled_reason", disabled_reason_name(subscription->disabled_reason));
    json_out_set_time(object, "activated_at", subscription->activated_at_ms);
    json_out_set_time(object, "failing_since", item->failing_since_ms);
    put_optional(object, "description", subscription->description);
    put_text_list(object, "events", &subscription->events);
    put_text_list(object, "agent_ids", &subscription->agent_ids);
    put_text_list(object, "workspace_ids", &subscription->workspace_ids);
    put_number(object, "request_timeout_ms", subscription->request_timeout_ms);
    retry_strategy_put_policy(object, &subscription->retry_policy);
    enum status status = write_headers(object, form, id, subscription);
    if (subscription->secrets.count == 0)
        return status;
    json_object *secrets = json_out_array(object, "signing_secrets");
    for (size_t i = 0; i < subscription->secrets.count && status == STATUS_OK; i++)
        status = write_secret(secrets, form, id, &subscription->secrets.items[i]);
    return status;
}

static enum status write_subscription(json_object *object, const struct export_record *item,
                                      const struct export_record_form *form)
{
    const struct subscription *subscription = &item->subscription;
    put_id(object, "id", &subscription->id);
    put_uuid(object, "organization_id", &subscription->organization_id);
    json_out_integer(object, "version", (int64_t)subscription->version);
    put_true(object, "deleted", subscription->is_deleted);
    json_out_time(object, "created_at", subscription->created_at_ms);
    json_out_time(object, "updated_at", subscription->updated_at_ms);
    return subscription->is_deleted ? STATUS_OK : write_members(object, item, form);
}

static void write_outcome(json_object *object, int32_t response_status, enum attempt_error error)
{
    put_number(object, "response_status", response_status);
    if (error != ATTEMPT_NO_ERROR)
        json_out_text(object, "error", attempt_error_name(error));
}

static void write_reply(json_object *object, const char *member, const struct probe_reply *reply)
{
    json_object *part = json_out_object(object, member);
    write_outcome(part, reply->response_status, reply->error);
    json_out_integer(part, "duration_ms", reply->duration_ms);
}

static enum status write_probe(json_object *object, const struct export_record *item,
                               const struct export_record_form *form)
{
    const struct probe *probe = &item->probe;
    (void)form;
    put_id(object, "subscription_id", &probe->subscription_id);
    put_uuid(object, "organization_id", &probe->organization_id);
    json_out_text(object, "status", probe_status_name(probe->status));
    json_out_integer(object, "generation", probe->generation);
    json_out_set_time(object, "lease_until", probe->lease_until_ms);
    json_out_time(object, "requested_at", probe->requested_at_ms);
    json_out_set_time(object, "finished_at", probe->finished_at_ms);
    if (probe->status == PROBE_DONE) {
        write_reply(object, "new_secret", &probe->replies[PROBE_NEW_SECRET]);
        write_reply(object, "forged", &probe->replies[PROBE_FORGED]);
    }
    return STATUS_OK;
}

static enum status write_event(json_object *object, const struct export_record *item,
                               const struct export_record_form *form)
{
    const struct event *event = &item->event;
    (void)form;
    put_id(object, "id", &event->id);
    put_uuid(object, "organization_id", &event->organization_id);
    json_out_time(object, "created_at", event->created_at_ms);
    json_out_text(object, "name", event->name);
    json_out_text(object, "trace_id", event->trace_id);
    put_optional(object, "agent_id", event->agent_id);
    put_optional(object, "workspace_id", event->workspace_id);
    put_bytes(object, "body", &event->body);
    json_object *subscriptions = json_out_array(object, "subscription_ids");
    for (size_t i = 0; i < event->subscription_count; i++)
        put_id(subscriptions, NULL, &event->subscriptions[i]);
    return STATUS_OK;
}

static enum status write_delivery(json_object *object, const struct export_record *item,
                                  const struct export_record_form *form)
{
    const struct delivery *delivery = &item->delivery;
    (void)form;
    put_id(object, "subscription_id", &delivery->subscription_id);
    put_id(object, "event_id", &delivery->event_id);
    put_uuid(object, "organization_id", &delivery->organization_id);
    json_out_text(object, "status", delivery_status_name(delivery->status));
    put_number(object, "generation", delivery->generation);
    json_out_set_time(object, "lease_until", delivery->lease_until_ms);
    put_number(object, "attempt_count", delivery->attempt_count);
    put_number(object, "budget_used", delivery->budget_used);
    json_out_set_time(object, "next_attempt_at", delivery->next_attempt_at_ms);
    json_out_time(object, "created_at", delivery->created_at_ms);
    json_out_set_time(object, "finished_at", delivery->finished_at_ms);
    put_true(object, "forced", delivery->is_forced);
    return STATUS_OK;
}

static enum status write_attempt(json_object *object, const struct export_record *item,
                                 const struct export_record_form *form)
{
    const struct attempt *attempt = &item->attempt;
    (void)form;
    put_id(object, "subscription_id", &item->subscription_id);
    put_id(object, "event_id", &item->event_id);
    json_out_integer(object, "number", attempt->number);
    json_out_time(object, "started_at", attempt->started_at_ms);
    json_out_integer(object, "duration_ms", attempt->duration_ms);
    write_outcome(object, attempt->response_status, attempt->error);
    put_number(object, "signature_count", attempt->signature_count);
    put_bytes(object, "response_headers", &attempt->response_headers);
    put_bytes(object, "response_body", &attempt->response_body);
    return STATUS_OK;
}

enum status export_record_format(const struct export_record *item, const struct export_record_form *form,
                                 struct buf *out)
{
    static enum status (*const writers[EXPORT_RECORD_KINDS])(json_object *, const struct export_record *,
                                                             const struct export_record_form *) = {
        [EXPORT_RECORD_API_KEY] = write_api_key,
        [EXPORT_RECORD_ANSWER] = write_answer,
        [EXPORT_RECORD_SUBSCRIPTION] = write_subscription,
        [EXPORT_RECORD_PROBE] = write_probe,
        [EXPORT_RECORD_EVENT] = write_event,
        [EXPORT_RECORD_DELIVERY] = write_delivery,
        [EXPORT_RECORD_ATTEMPT] = write_attempt,
    };
    json_object *object = json_out_new();
    json_out_text(object, "type", export_record_kind_name(item->kind));
    enum status status = writers[item->kind](object, item, form);
    if (status == STATUS_OK)
        json_out_end(object, out);
    else
        json_out_wipe(object);
    return status;
}
