/* Making a subscription and reading one. */
#include <stdio.h>

#include "api/apply_subscription.h"
#include "api/call.h"
#include "api/handle.h"
#include "api/idempotency.h"
#include "api/input_subscription.h"
#include "api/render_subscription.h"
#include "base/clock.h"
#include "base/mem.h"

struct creation {
    struct call *call;
    const struct subscription_input *input;
    struct success *success;
    char secret[SECRET_TEXT];
};

/* The id, which secret and headers are bound to, is only known here. */
static enum status apply_creation(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct creation *creation = context;
    struct success *success = creation->success;
    const struct keyring *keyring = store_keyring(creation->call->store);
    subscription->created_user_id = mem_strdup(creation->call->key.created_user_id);
    bool is_issued = apply_subscription(subscription, creation->input, keyring, creation->secret, now_ms);

    success_clear(success);
    success->status = 201;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    snprintf(success->location, sizeof success->location, "/v1/public/webhook/subscription/%s", id);
    return render_subscription(subscription, keyring, true, is_issued ? creation->secret : NULL, now_ms, success);
}

static void create(struct call *call, const struct subscription_input *input)
{
    struct success success = {0};
    struct creation creation = {.call = call, .input = input, .success = &success};
    secret_make(creation.secret);
    struct keeper keeper = {call, &success};
    struct answer answer = {.idempotency = idempotency_of(call), .render = idempotency_keep, .context = &keeper};
    struct change change = {.apply = apply_creation, .context = &creation, .answer = &answer};
    enum status status = store_subscription_create(call->store, &call->key.organization_id,
                                                   (size_t)call->conf->max_subscriptions, &change);
    idempotency_finish(call, status, &success, &answer, apply_subscription_message(status));
    crypto_cleanse(creation.secret, sizeof creation.secret);
}

void handle_subscription_create(struct call *call)
{
    struct subscription_input input;
    struct field_errors errors = {0};
    const char *message = subscription_input_read(buf_slice(&call->request->body), call->conf, &input, &errors);
    if (message != NULL)
        call_invalid(call, message, &errors);
    else
        create(call, &input);
    field_errors_clear(&errors);
    subscription_input_clear(&input);
}

void handle_subscription_get(struct call *call)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct subscription subscription = {0};
    enum status status = store_subscription_get(call->store, &call->key.organization_id, &id, &subscription);
    struct success success = {.status = 200};
    if (status == STATUS_OK) {
        bool shows_headers = api_key_may(&call->key, API_SCOPE_MANAGE);
        status = render_subscription(&subscription, store_keyring(call->store), shows_headers, NULL, clock_now_ms(),
                                     &success);
        subscription_clear(&subscription);
    }
    if (status == STATUS_OK)
        success_send(&success, call);
    else
        call_fail(call, status, apply_subscription_message(status));
    success_clear(&success);
}
