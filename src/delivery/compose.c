/* What stands above the body of a delivery. The body itself was composed when the event was published. */
#include "config.h"

#include "delivery/compose.h"

#include <inttypes.h>
#include <stdio.h>

#include "base/crypto.h"
#include "base/timestamp.h"
#include "model/signature.h"

enum { NUMBER_SIZE = 24 };

static void add_number(struct header_list *headers, const char *name, int64_t number)
{
    char text[NUMBER_SIZE];
    (void)snprintf(text, sizeof(text), "%" PRId64, number);
    header_list_add(headers, name, text);
}

static void add_own(struct header_list *headers, const struct event *event, uint32_t number)
{
    char id[OBJECT_ID_TEXT];
    char created_at[TIMESTAMP_SIZE];
    object_id_format(&event->id, id);
    timestamp_format(event->created_at_ms, created_at);
    header_list_add(headers, "Content-Type", "application/json");
    header_list_add(headers, "User-Agent", "hookturn/" PACKAGE_VERSION);
    header_list_add(headers, "X-Webhook-Event", event->name);
    header_list_add(headers, "X-Webhook-Traceid", event->trace_id);
    header_list_add(headers, "X-Webhook-Id", id);
    header_list_add(headers, "X-Webhook-Timestamp", created_at);
    add_number(headers, "X-Webhook-Attempt", number);
}

/* ---- signatures ---- */

/* Newest first, as they are stored. */
static enum status open_valid_secrets(const struct keyring *keyring, const struct subscription *subscription,
                                      int64_t now_ms, struct open_secrets *out)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    out->count = 0;
    for (size_t i = 0; i < subscription->secrets.count; i++) {
        const struct secret *secret = &subscription->secrets.items[i];
        if (!secret_is_valid(secret, now_ms))
            continue;
        enum status status = secret_unseal(keyring, id, secret, out->texts[out->count]);
        if (status != STATUS_OK)
            return status;
        out->count++;
    }
    return STATUS_OK;
}

static void add_signatures(struct header_list *headers, const struct event *event, int64_t t,
                           struct open_secrets *secrets)
{
    char id[OBJECT_ID_TEXT];
    struct buf value = {0};
    struct slice body = buf_slice(&event->body);
    object_id_format(&event->id, id);
    signature_format(t, body, secrets->texts, secrets->count, &value);
    header_list_add(headers, "X-Webhook-Signature", buf_text(&value));
    header_list_add(headers, "webhook-id", id);
    add_number(headers, "webhook-timestamp", t);
    buf_reset(&value);
    signature_format_standard(id, t, body, secrets->texts, secrets->count, &value);
    header_list_add(headers, "webhook-signature", buf_text(&value));
    buf_clear(&value);
}

/* ---- the subscription's ---- */

static enum status add_theirs(const struct keyring *keyring, const struct subscription *subscription,
                              struct header_list *headers)
{
    struct header_list theirs = {0};
    enum status status = subscription_unseal_headers(subscription, keyring, &theirs);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < theirs.count; i++)
        header_list_add(headers, theirs.items[i].name, theirs.items[i].value);
    header_list_clear(&theirs);
    return STATUS_OK;
}

enum status compose_headers_with(const struct keyring *keyring, const struct subscription *subscription,
                                 const struct event *event, uint32_t number, int64_t started_at_ms,
                                 struct open_secrets *secrets, struct composition *out)
{
    *out = (struct composition){.signature_count = (uint32_t)secrets->count};
    add_own(&out->headers, event, number);
    if (secrets->count > 0)
        add_signatures(&out->headers, event, started_at_ms / 1000, secrets);
    enum status status = add_theirs(keyring, subscription, &out->headers);
    if (status != STATUS_OK)
        header_list_clear(&out->headers);
    return status;
}

enum status compose_headers(const struct keyring *keyring, const struct subscription *subscription,
                            const struct event *event, uint32_t number, int64_t started_at_ms, struct composition *out)
{
    struct open_secrets secrets;
    *out = (struct composition){0};
    enum status status = open_valid_secrets(keyring, subscription, started_at_ms, &secrets);
    if (status == STATUS_OK)
        status = compose_headers_with(keyring, subscription, event, number, started_at_ms, &secrets, out);
    crypto_cleanse(&secrets, sizeof(secrets));
    return status;
}
