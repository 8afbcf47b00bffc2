/* Making a subscription and reading one. */
#include <stdio.h>
#include <string.h>

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

static void copy_texts(const struct text_list *from, struct text_list *to)
{
    for (size_t i = 0; i < from->count; i++)
        text_list_add(to, from->items[i], strlen(from->items[i]));
}

static void fill_in(const struct creation *creation, struct subscription *subscription)
{
    const struct subscription_input *input = creation->input;
    subscription->created_user_id = mem_strdup(creation->call->key.created_user_id);
    subscription->name = mem_strdup(input->name);
    subscription->url = mem_strdup(input->url);
    subscription->active = input->active;
    subscription->description = input->description != NULL ? mem_strdup(input->description) : NULL;
    copy_texts(&input->events, &subscription->events);
    copy_texts(&input->agent_ids, &subscription->agent_ids);
    copy_texts(&input->workspace_ids, &subscription->workspace_ids);
    subscription->request_timeout_ms = input->request_timeout_ms;
    subscription->retry_policy = input->retry_policy;
    subscription_seal_headers(subscription, store_keyring(creation->call->store), &input->headers);
}

static void add_secret(const struct creation *creation, int64_t now_ms, struct subscription *subscription)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    secret_seal(store_keyring(creation->call->store), id, creation->secret, now_ms, &subscription->secrets.items[0]);
    subscription->secrets.count = 1;
}

/* The id, which secret and headers are bound to, is only known here. */
static enum status apply_creation(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct creation *creation = context;
    struct success *success = creation->success;
    bool is_signed = creation->input->enable_signed_webhooks;
    fill_in(creation, subscription);
    if (is_signed)
        add_secret(creation, now_ms, subscription);

    success_clear(success);
    success->status = 201;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    snprintf(success->location, sizeof success->location, "/v1/public/webhook/subscription/%s", id);
    return render_subscription(subscription, store_keyring(creation->call->store), true,
                               is_signed ? creation->secret : NULL, now_ms, success);
}

static const char *creation_message(enum status status)
{
    if (status == STATUS_EXISTS)
        return "another subscription of the organization has this name";
    if (status == STATUS_LIMIT)
        return "the organization has as many subscriptions as it may have";
    return NULL;
}

static void create(struct call *call, const struct subscription_input *input)
{
    struct success success = {0};
    struct creation creation = {.call = call, .input = input, .success = &success};
    secret_make(creation.secret);
    struct keeper keeper = {call, &success};
    struct answer answer = {.idempotency = idempotency_of(call), .render = idempotency_keep, .context = &keeper};
    struct change change = {apply_creation, &creation, &answer};
    enum status status = store_subscription_create(call->store, &call->key.organization_id,
                                                   (size_t)call->conf->max_subscriptions, &change);
    idempotency_finish(call, status, &success, &answer, creation_message(status));
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
        call_fail(call, status, status == STATUS_NOT_FOUND ? "no such subscription" : NULL);
    success_clear(&success);
}
