/* A probe's requests. They go the same way as deliveries, and look like them but for their signatures: the first is
 * signed with the subscription's newest secret alone, as if the others had ended already, the second with a secret that
 * was made for it and is forgotten at once. */
#include "delivery/probe_flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/flight.h"

enum { FIRST_ATTEMPT = 1 };
/* What a request needs beyond its timeout to be taken while its lease still holds. */
#define SETTLE_MARGIN_MS INT64_C(1000)

static const char *const part_names[] = {[PROBE_NEW_SECRET] = "newest", [PROBE_FORGED] = "forged"};

static void clear_request(struct probe_flight *flight)
{
    event_clear(&flight->event);
    header_list_clear(&flight->composition.headers);
    mem_free_cleansed_text(flight->url); /* it may carry a token */
    flight->url = NULL;
}

void probe_flight_clear(struct probe_flight *flight)
{
    clear_request(flight);
    *flight = (struct probe_flight){.ended = 0};
}

/* ---- the beginning ---- */

static enum status open_secret(const struct probe_flight *flight, const struct keyring *keyring,
                               const struct subscription *subscription, struct open_secrets *out)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    out->count = 1;
    if (flight->ended == PROBE_NEW_SECRET)
        return secret_unseal(keyring, id, &subscription->secrets.items[0], out->texts[0]);
    secret_make(out->texts[0]);
    return STATUS_OK;
}

static void make_event(struct probe_flight *flight, struct store *store, int64_t now_ms)
{
    flight->event.organization_id = flight->claim.organization_id;
    flight->event.created_at_ms = now_ms;
    store_event_id_make(store, now_ms, &flight->event.id);
    event_fill_in_test(&flight->event, &flight->claim.subscription_id);
}

static enum status sign(struct probe_flight *flight, struct store *store, const struct subscription *subscription)
{
    struct open_secrets secrets;
    int64_t now_ms = clock_now_ms();
    make_event(flight, store, now_ms);
    enum status status = open_secret(flight, store_keyring(store), subscription, &secrets);
    if (status == STATUS_OK)
        status = compose_headers_with(store_keyring(store), subscription, &flight->event, FIRST_ATTEMPT, now_ms,
                                      &secrets, &flight->composition);
    crypto_cleanse(&secrets, sizeof(secrets));
    return status;
}

static void take_target(struct probe_flight *flight, const struct conf *conf, const struct subscription *subscription)
{
    flight->url = mem_strdup(subscription->url);
    destination_name(flight->url, flight->destination);
    flight->timeout_ms = flight_timeout_ms(conf, subscription);
}

/* Both requests must have met one and the same subscription, or their replies say nothing together. */
static bool may_start(const struct probe_flight *flight, const struct subscription *subscription)
{
    int64_t lease_ms = flight->claim.lease_until_ms - clock_now_ms();
    bool is_same = flight->ended == 0 || subscription->version == flight->version;
    return is_same && subscription->secrets.count > 0 && lease_ms >= flight->timeout_ms + SETTLE_MARGIN_MS;
}

static void log_unmakeable(const struct probe_flight *flight, enum status status)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&flight->claim.subscription_id, id);
    log_error("probe_unmakeable", LOG_TEXT("status", status_name(status)), LOG_TEXT("subscription_id", id));
}

enum status probe_flight_prepare(struct probe_flight *flight, struct store *store, const struct conf *conf)
{
    struct subscription subscription = {0};
    const struct probe_claim *claim = &flight->claim;
    clear_request(flight);
    enum status status = store_subscription_get(store, &claim->organization_id, &claim->subscription_id, &subscription);
    if (status != STATUS_OK)
        return status == STATUS_NOT_FOUND ? STATUS_CONFLICT : status;
    take_target(flight, conf, &subscription);
    status = may_start(flight, &subscription) ? STATUS_OK : STATUS_CONFLICT;
    flight->version = subscription.version;
    if (status == STATUS_OK)
        status = sign(flight, store, &subscription);
    if (status == STATUS_CORRUPT || status == STATUS_VERSION) {
        log_unmakeable(flight, status);
        status = STATUS_CORRUPT;
    }
    subscription_clear(&subscription);
    return status;
}

void probe_flight_exchange(const struct probe_flight *flight, struct exchange *out)
{
    *out = (struct exchange){
        .url = flight->url,
        .body = buf_slice(&flight->event.body),
        .headers = flight->composition.headers,
        .timeout_ms = flight->timeout_ms,
    };
}

/* ---- the end ---- */

static void log_request(const struct probe_flight *flight, const struct probe_reply *reply)
{
    char event_id[OBJECT_ID_TEXT];
    char subscription_id[OBJECT_ID_TEXT];
    object_id_format(&flight->event.id, event_id);
    object_id_format(&flight->claim.subscription_id, subscription_id);
    log_info("probe", LOG_TEXT("event_id", event_id), LOG_TEXT("trace_id", flight->event.trace_id),
             LOG_TEXT("subscription_id", subscription_id), LOG_TEXT("secret", part_names[flight->ended]),
             LOG_NUMBER("status", reply->response_status), LOG_TEXT("error", attempt_error_name(reply->error)),
             LOG_NUMBER("duration_ms", reply->duration_ms), LOG_TEXT("destination", flight->destination));
}

void probe_flight_end(struct probe_flight *flight, const struct exchange_result *result)
{
    struct probe_reply *reply = &flight->replies[flight->ended];
    *reply = (struct probe_reply){result->status, result->error, result->duration_ms};
    log_request(flight, reply);
    flight->ended++;
}
