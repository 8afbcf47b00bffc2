/* Records of an export, read. A line may be anybody's: its grammar is held against RFC 8259 first, then each member has
 * the type and the bounds that the store's own records have, and what is sealed must open in its place. */
#include "model/export_record_take.h"

#include <string.h>

#include "base/json_in.h"
#include "base/json_out.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "model/subscription_check.h"

static enum attempt_error take_error(struct json_take *take)
{
    const char *name = json_take_text(take, "error", JSON_OPTIONAL, EXPORT_RECORD_WORD_MAX);
    int error = name != NULL ? ATTEMPT_TIMEOUT : ATTEMPT_NO_ERROR;
    while (name != NULL && error <= ATTEMPT_PROTOCOL &&
           strcmp(attempt_error_name((enum attempt_error)error), name) != 0)
        error++;
    if (error <= ATTEMPT_PROTOCOL)
        return (enum attempt_error)error;
    json_take_fail(take, "error", "is not known");
    return ATTEMPT_NO_ERROR;
}

static int32_t take_response_status(struct json_take *take)
{
    return (int32_t)json_take_integer(take, "response_status", JSON_OPTIONAL, 0, 999);
}

/* ---- records ---- */

static void read_api_key(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct api_key *key = &out->api_key;
    (void)form;
    export_record_take_id(take, "id", &key->id);
    json_take_hex(take, "sha256", key->digest, sizeof key->digest);
    json_take_uuid(take, "organization_id", &key->organization_id);
    key->created_user_id = export_record_take_copy(take, "created_user_id", JSON_REQUIRED, EXPORT_RECORD_LABEL_MAX);
    key->name = export_record_take_copy(take, "name", JSON_OPTIONAL, EXPORT_RECORD_LABEL_MAX);
    key->created_at_ms = json_take_time(take, "created_at", JSON_REQUIRED);
    key->expires_at_ms = json_take_time(take, "expires_at", JSON_OPTIONAL);
    key->revoked_at_ms = json_take_time(take, "revoked_at", JSON_OPTIONAL);
    json_object *scopes = json_take_container(take, "scopes", JSON_REQUIRED, json_type_array);
    for (size_t i = 0; scopes != NULL && i < json_object_array_length(scopes); i++) {
        json_object *word = json_object_array_get_idx(scopes, i);
        unsigned scope =
            json_object_is_type(word, json_type_string) ? api_scopes_parse(json_object_get_string(word)) : 0;
        if (scope == 0)
            json_take_fail(take, "scopes", "holds a word that is not known");
        key->scopes |= scope;
    }
}

static void read_answer(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct kept_answer *answer = &out->answer;
    json_take_hex(take, "key", answer->key, sizeof answer->key);
    json_take_hex(take, "fingerprint", answer->fingerprint, sizeof answer->fingerprint);
    answer->expires_at_ms = json_take_time(take, "expires_at", JSON_REQUIRED);
    export_record_take_sealed(take, form, (struct slice){(const char *)answer->key, sizeof answer->key},
                              &answer->sealed);
}

static void read_reply(struct json_take *take, const char *member, struct probe_reply *out)
{
    json_object *object = json_take_container(take, member, JSON_REQUIRED, json_type_object);
    struct json_take reply = json_take_from(object);
    if (object == NULL)
        return;
    out->response_status = take_response_status(&reply);
    out->error = take_error(&reply);
    out->duration_ms = json_take_integer(&reply, "duration_ms", JSON_REQUIRED, 0, INT64_MAX);
    if (!json_take_is_ok(&reply))
        json_take_fail(take, member, reply.wrong);
}

static void read_probe(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct probe *probe = &out->probe;
    (void)form;
    export_record_take_id(take, "subscription_id", &probe->subscription_id);
    json_take_uuid(take, "organization_id", &probe->organization_id);
    const char *status = json_take_text(take, "status", JSON_REQUIRED, EXPORT_RECORD_WORD_MAX);
    bool is_done = status != NULL && strcmp(status, probe_status_name(PROBE_DONE)) == 0;
    probe->status = is_done ? PROBE_DONE : PROBE_PENDING;
    if (status != NULL && !is_done && strcmp(status, probe_status_name(PROBE_PENDING)) != 0)
        json_take_fail(take, "status", "is not known");
    probe->generation = export_record_take_count(take, "generation");
    probe->lease_until_ms = json_take_time(take, "lease_until", JSON_OPTIONAL);
    probe->requested_at_ms = json_take_time(take, "requested_at", JSON_REQUIRED);
    probe->finished_at_ms = json_take_time(take, "finished_at", is_done ? JSON_REQUIRED : JSON_OPTIONAL);
    if (is_done) {
        read_reply(take, "new_secret", &probe->replies[PROBE_NEW_SECRET]);
        read_reply(take, "forged", &probe->replies[PROBE_FORGED]);
    }
}

static void read_subscription_ids(struct json_take *take, struct event *out)
{
    json_object *array = json_take_container(take, "subscription_ids", JSON_REQUIRED, json_type_array);
    size_t count = array != NULL ? json_object_array_length(array) : 0;
    if (count == 0)
        return;
    out->subscriptions = mem_calloc(count, sizeof *out->subscriptions);
    out->subscription_count = out->expanded_count = count;
    for (size_t i = 0; i < count; i++) {
        json_object *value = json_object_array_get_idx(array, i);
        const char *text = json_object_is_type(value, json_type_string) ? json_object_get_string(value) : "";
        if (object_id_parse(text, &out->subscriptions[i]) != STATUS_OK)
            json_take_fail(take, "subscription_ids", "holds something that is no id");
    }
}

/* The store keeps ids of events apart by their lanes. */
static void read_event(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct event *event = &out->event;
    (void)form;
    export_record_take_id(take, "id", &event->id);
    if (event->id.bytes[0] >= OBJECT_ID_LANES)
        json_take_fail(take, "id", "is no event's");
    json_take_uuid(take, "organization_id", &event->organization_id);
    event->created_at_ms = json_take_time(take, "created_at", JSON_REQUIRED);
    event->name = export_record_take_copy(take, "name", JSON_REQUIRED, EVENT_WORD_SIZE - 1);
    event->trace_id = export_record_take_copy(take, "trace_id", JSON_REQUIRED, EVENT_WORD_SIZE - 1);
    export_record_take_hold(take, "trace_id", event->trace_id, check_trace_id);
    if (!event_name_is_own(event->name))
        export_record_take_hold(take, "name", event->name, check_event_name);
    event->agent_id = export_record_take_copy(take, "agent_id", JSON_OPTIONAL, EXPORT_RECORD_SCOPE_ID_MAX);
    event->workspace_id = export_record_take_copy(take, "workspace_id", JSON_OPTIONAL, EXPORT_RECORD_SCOPE_ID_MAX);
    export_record_take_bytes(take, "body", "body_base64", &event->body);
    read_subscription_ids(take, event);
}

static void read_delivery(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct delivery *delivery = &out->delivery;
    (void)form;
    export_record_take_id(take, "subscription_id", &delivery->subscription_id);
    export_record_take_id(take, "event_id", &delivery->event_id);
    json_take_uuid(take, "organization_id", &delivery->organization_id);
    const char *status = json_take_text(take, "status", JSON_REQUIRED, EXPORT_RECORD_WORD_MAX);
    if (status != NULL && delivery_status_parse(status, &delivery->status) != STATUS_OK)
        json_take_fail(take, "status", "is not known");
    delivery->generation = export_record_take_count(take, "generation");
    delivery->lease_until_ms = json_take_time(take, "lease_until", JSON_OPTIONAL);
    delivery->attempt_count = export_record_take_count(take, "attempt_count");
    delivery->budget_used = export_record_take_count(take, "budget_used");
    delivery->next_attempt_at_ms = json_take_time(take, "next_attempt_at", JSON_OPTIONAL);
    delivery->created_at_ms = json_take_time(take, "created_at", JSON_REQUIRED);
    delivery->finished_at_ms = json_take_time(take, "finished_at", JSON_OPTIONAL);
    delivery->is_forced = json_take_bool(take, "forced");
}

static void read_attempt(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    struct attempt *attempt = &out->attempt;
    (void)form;
    export_record_take_id(take, "subscription_id", &out->subscription_id);
    export_record_take_id(take, "event_id", &out->event_id);
    attempt->number = (uint32_t)json_take_integer(take, "number", JSON_REQUIRED, 1, EXPORT_RECORD_COUNT_MAX);
    attempt->started_at_ms = json_take_time(take, "started_at", JSON_REQUIRED);
    attempt->duration_ms = json_take_integer(take, "duration_ms", JSON_REQUIRED, 0, INT64_MAX);
    attempt->response_status = take_response_status(take);
    attempt->error = take_error(take);
    attempt->signature_count = export_record_take_count(take, "signature_count");
    export_record_take_bytes(take, "response_headers", "response_headers_base64", &attempt->response_headers);
    export_record_take_bytes(take, "response_body", "response_body_base64", &attempt->response_body);
    if (attempt->response_headers.length > ATTEMPT_HEADERS_KEPT || attempt->response_body.length > ATTEMPT_BODY_KEPT)
        json_take_fail(take, "response_body", "or response_headers are too long");
}

/* ---- lines ---- */

static void read_record(struct json_take *take, const struct export_record_form *form, struct export_record *out)
{
    static void (*const readers[EXPORT_RECORD_KINDS])(struct json_take *, const struct export_record_form *,
                                                      struct export_record *) = {
        [EXPORT_RECORD_API_KEY] = read_api_key,
        [EXPORT_RECORD_ANSWER] = read_answer,
        [EXPORT_RECORD_SUBSCRIPTION] = export_record_read_subscription,
        [EXPORT_RECORD_PROBE] = read_probe,
        [EXPORT_RECORD_EVENT] = read_event,
        [EXPORT_RECORD_DELIVERY] = read_delivery,
        [EXPORT_RECORD_ATTEMPT] = read_attempt,
    };
    const char *type = json_take_text(take, "type", JSON_REQUIRED, EXPORT_RECORD_WORD_MAX);
    for (unsigned kind = 0; type != NULL && kind < EXPORT_RECORD_KINDS; kind++) {
        if (strcmp(type, export_record_kind_name((enum export_record_kind)kind)) == 0) {
            out->kind = (enum export_record_kind)kind;
            readers[kind](take, form, out);
            return;
        }
    }
    json_take_fail(take, "type", "is not known");
}

/* U+0000 and halves of a pair of surrogates have no place in a record, wherever they would stand. */
static bool is_clean(const struct json_scan *scan)
{
    for (size_t i = 0; i < scan->count; i++)
        if (scan->spans[i].is_unclean)
            return false;
    return true;
}

/* A value in memory takes some hundred bytes, and a line may hold one for every two bytes: no more are taken than a
 * list of ids as long as the line has, and some. */
static bool is_bounded(const struct json_scan *scan, size_t length)
{
    const size_t id_bytes = OBJECT_ID_TEXT + 2, some = 4096;
    size_t count = 0;
    for (size_t i = 0; i < scan->count; i++)
        count += scan->spans[i].value_count;
    return count <= some + length / id_bytes;
}

enum status export_record_parse(struct slice line, const struct export_record_form *form, struct export_record *out,
                                struct failure *failure)
{
    struct json_scan scan;
    const char *message = "is no object, or holds U+0000 or half a character";
    enum status status = json_scan(line, EXPORT_RECORD_JSON_DEPTH, &scan, &message);
    bool is_taken = status == STATUS_OK && scan.kind == JSON_OBJECT && is_clean(&scan);
    if (is_taken && !is_bounded(&scan, line.length)) {
        message = "holds more values than any record";
        is_taken = false;
    }
    if (status == STATUS_OK)
        json_scan_clear(&scan);
    if (!is_taken) {
        failure_set(failure, "%s", message);
        return STATUS_INVALID;
    }
    struct export_record item = {.kind = EXPORT_RECORD_DELIVERY};
    struct json_take take = json_take_from(json_in_value(line));
    read_record(&take, form, &item);
    json_out_wipe(take.object);
    if (!json_take_is_ok(&take)) {
        failure_set(failure, "%s", take.wrong);
        export_record_clear(&item);
        return STATUS_INVALID;
    }
    *out = item;
    return STATUS_OK;
}
