/* Recovering: what failed in a window of time is due again, some hundreds a call. */
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "api/input.h"
#include "base/clock.h"
#include "base/json_out.h"
#include "base/timestamp.h"

/* ---- the window ---- */

static const char *read_time(json_object *value, int64_t *out_ms)
{
    struct slice text;
    const char *message = input_text(value, &text);
    if (message == NULL && timestamp_parse(text.data, out_ms) != STATUS_OK)
        message = "must be a time of RFC 3339, such as 2026-06-12T10:15:00.000Z";
    return message;
}

static const char *read_since(void *context, const struct input_member *member)
{
    return read_time(member->value, &((struct recovery *)context)->since_ms);
}

static const char *read_until(void *context, const struct input_member *member)
{
    return read_time(member->value, &((struct recovery *)context)->until_ms);
}

static const struct input_field fields[] = {
    {"since", true, false, read_since, NULL},
    {"until", false, false, read_until, NULL},
};

static const char *read_members(struct slice body, struct recovery *out, struct field_errors *errors)
{
    struct json_scan scan;
    const char *message = input_scan(body, &scan);
    if (message != NULL)
        return message;
    input_read_fields(&scan, fields, sizeof fields / sizeof fields[0], INPUT_WHOLE, out, errors);
    json_scan_clear(&scan);
    if (errors->count == 0 && out->since_ms > out->until_ms)
        field_errors_add(errors, "until", "must not be before since");
    return errors->count > 0 ? "the request has members that are missing or not valid" : NULL;
}

/* False: the request was answered. */
static bool read_window(struct call *call, struct recovery *out)
{
    struct field_errors errors = {0};
    const char *message = read_members(buf_slice(&call->request->body), out, &errors);
    if (message != NULL)
        call_invalid_for_subscription(call, message, &errors);
    field_errors_clear(&errors);
    return message == NULL;
}

/* ---- the answer ---- */

struct rendering {
    struct keeper keeper;
    struct success *success;
    const struct recovery *recovery;
};

static void render(void *context, struct buf *kept)
{
    struct rendering *rendering = context;
    json_object *object = json_out_new();
    success_clear(rendering->success);
    rendering->success->status = 202;
    json_out_integer(object, "requeued", (int64_t)rendering->recovery->requeued);
    json_out_bool(object, "more", rendering->recovery->has_more);
    json_out_end(object, &rendering->success->body);
    idempotency_keep(&rendering->keeper, kept);
}

void handle_recover(struct call *call)
{
    struct object_id id;
    struct recovery recovery = {
        .organization_id = &call->key.organization_id, .subscription_id = &id, .until_ms = INT64_MAX};
    if (!call_object_id(call, &id) || !read_window(call, &recovery))
        return;
    struct success success = {0};
    struct rendering rendering = {{call, &success}, &success, &recovery};
    struct answer answer = {.idempotency = idempotency_of(call), .render = render, .context = &rendering};
    enum status status = store_recover(call->store, clock_now_ms(), &recovery, &answer);
    idempotency_finish(call, status, &success, &answer, status == STATUS_NOT_FOUND ? "no such subscription" : NULL);
    call->response->needs_worker = status == STATUS_REPLAY || (status == STATUS_OK && recovery.requeued > 0);
}
