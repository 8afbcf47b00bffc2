/* Changing a subscription: PUT replaces all of its settings, PATCH some of them. Both are one pure function that runs
 * while the store holds the record; a PATCH is read there, because its rules are those of the result. */
#include <string.h>

#include "api/apply_subscription.h"
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "api/input.h"
#include "api/input_subscription.h"
#include "api/precondition.h"
#include "api/render_subscription.h"

struct edit {
    struct call *call;
    struct success *success;
    struct change *change;
    const struct subscription_input *input; /* PUT's */
    const struct json_scan *patch;          /* PATCH's */
    const char *message;                    /* PATCH: what is wrong with the result, and */
    struct field_errors errors;             /* with which of its members */
    bool resumes;                           /* it was paused, and is so no longer */
    char secret[SECRET_TEXT];
};

/* ---- while the record is held ---- */

static enum status render(const struct edit *edit, const struct subscription *subscription, bool is_issued,
                          int64_t now_ms)
{
    struct success *success = edit->success;
    success_clear(success);
    success->status = 200;
    return render_subscription(subscription, store_keyring(edit->call->store), true, is_issued ? edit->secret : NULL,
                               now_ms, success);
}

/* Later than before, also within one millisecond: who polls for changes sees each of them. */
static int64_t next_time(int64_t before_ms, int64_t now_ms)
{
    return now_ms > before_ms ? now_ms : before_ms + 1;
}

/* Whoever says that it shall be active, though it is already, has seen to the receiver: what failed so far no longer
 * counts. PUT always says so, or the contrary. */
static bool says_active(const struct edit *edit, const struct subscription *subscription)
{
    return subscription->active && (edit->patch == NULL || json_scan_find(edit->patch, "active") != NULL);
}

static enum status write(struct edit *edit, const struct subscription_input *input, int64_t now_ms,
                         struct subscription *subscription)
{
    bool was_active = subscription->active;
    bool is_issued = apply_subscription(subscription, input, store_keyring(edit->call->store), edit->secret, now_ms);
    edit->resumes = !was_active && subscription->active;
    if (says_active(edit, subscription))
        subscription->activated_at_ms = now_ms;
    subscription->updated_at_ms = next_time(subscription->updated_at_ms, now_ms);
    return render(edit, subscription, is_issued, now_ms);
}

static enum status apply_put(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct edit *edit = context;
    enum status status = precondition_check(edit->call->request, subscription, now_ms);
    return status == STATUS_OK ? write(edit, edit->input, now_ms, subscription) : status;
}

/* What was patched is like it was before: neither its version nor its time may rise, also where something is written
 * that nobody sees. */
static enum status keep(const struct edit *edit, struct subscription *subscription, int64_t now_ms)
{
    if (says_active(edit, subscription))
        subscription->activated_at_ms = now_ms;
    else
        edit->change->is_unchanged = true;
    subscription->version--;
    return render(edit, subscription, false, now_ms);
}

static enum status patch(struct edit *edit, const struct subscription_input *before, struct subscription_input *after,
                         int64_t now_ms, struct subscription *subscription)
{
    field_errors_clear(&edit->errors);
    edit->message = subscription_input_patch(edit->patch, edit->call->conf, after, &edit->errors);
    if (edit->message != NULL)
        return STATUS_INVALID;
    if (subscription_input_equals(before, after))
        return keep(edit, subscription, now_ms);
    return write(edit, after, now_ms, subscription);
}

static enum status apply_patch(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct edit *edit = context;
    const struct keyring *keyring = store_keyring(edit->call->store);
    struct subscription_input before = {0};
    struct subscription_input after = {0};
    enum status status = precondition_check(edit->call->request, subscription, now_ms);
    if (status == STATUS_OK)
        status = subscription_input_from(subscription, keyring, &before);
    if (status == STATUS_OK)
        status = subscription_input_from(subscription, keyring, &after);
    if (status == STATUS_OK)
        status = patch(edit, &before, &after, now_ms, subscription);
    subscription_input_clear(&after);
    subscription_input_clear(&before);
    return status;
}

/* ---- the request ---- */

static void finish(struct edit *edit, enum status status, struct answer *answer)
{
    if (status == STATUS_INVALID) {
        call_invalid(edit->call, edit->message, &edit->errors);
        success_clear(edit->success);
        buf_clear(&answer->kept);
    } else {
        idempotency_finish(edit->call, status, edit->success, answer, apply_subscription_message(status));
        edit->call->response->needs_worker = status == STATUS_OK && edit->resumes;
    }
}

static void change_subscription(struct edit *edit,
                                enum status (*apply)(void *context, int64_t now_ms, struct subscription *subscription))
{
    struct call *call = edit->call;
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct success success = {0};
    struct keeper keeper = {call, &success};
    struct answer answer = {.idempotency = idempotency_of(call), .render = idempotency_keep, .context = &keeper};
    struct change change = {.apply = apply, .context = edit, .answer = &answer};
    edit->success = &success;
    edit->change = &change;
    secret_make(edit->secret);
    enum status status = store_subscription_update(call->store, &call->key.organization_id, &id, &change);
    finish(edit, status, &answer);
    crypto_cleanse(edit->secret, sizeof edit->secret);
    field_errors_clear(&edit->errors);
}

void handle_subscription_put(struct call *call)
{
    struct subscription_input input;
    struct field_errors errors = {0};
    const char *message = subscription_input_read(buf_slice(&call->request->body), call->conf, &input, &errors);
    if (message != NULL)
        call_invalid_for_subscription(call, message, &errors);
    else
        change_subscription(&(struct edit){.call = call, .input = &input}, apply_put);
    field_errors_clear(&errors);
    subscription_input_clear(&input);
}

void handle_subscription_patch(struct call *call)
{
    struct json_scan scan;
    const char *message = input_scan(buf_slice(&call->request->body), &scan);
    if (message != NULL) {
        call_invalid_for_subscription(call, message, NULL);
        return;
    }
    change_subscription(&(struct edit){.call = call, .patch = &scan}, apply_patch);
    json_scan_clear(&scan);
}
