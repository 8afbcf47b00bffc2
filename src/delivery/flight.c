/* The life of an attempt. The order at its beginning is what makes a rotation safe: the time is taken first and the
 * secrets are read after it, so an attempt that starts after a rotation was answered carries the new secret. Attempts
 * that start together share both. */
#include "delivery/flight.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"

/* What an attempt needs beyond its timeout to be settled while its lease still holds. */
#define SETTLE_MARGIN_MS INT64_C(1000)

int64_t flight_timeout_ms(const struct conf *conf, const struct subscription *subscription)
{
    return subscription->request_timeout_ms > 0 ? subscription->request_timeout_ms : conf->request_timeout_ms;
}

static struct retry_policy policy_of(const struct conf *conf, const struct retry_policy *own)
{
    if (own->is_set)
        return *own;
    return (struct retry_policy){
        .is_set = true,
        .strategy = conf->retry_strategy,
        .max_attempts = (int32_t)conf->retry_attempts,
        .max_delay_ms = conf->retry_max_delay_ms,
    };
}

/* ---- the beginning ---- */

static void log_unsendable(const struct claim *claim, const char *what, enum status status)
{
    char event_id[OBJECT_ID_TEXT];
    char subscription_id[OBJECT_ID_TEXT];
    object_id_format(&claim->event_id, event_id);
    object_id_format(&claim->subscription_id, subscription_id);
    log_error("delivery_unreadable", LOG_TEXT("what", what), LOG_TEXT("status", status_name(status)),
              LOG_TEXT("event_id", event_id), LOG_TEXT("subscription_id", subscription_id));
}

/* Damage is an attempt's failure, seen by the customer and retried by policy; trouble is not the delivery's fault. */
static enum status damage_or_trouble(const struct claim *claim, const char *what, enum status status)
{
    if (status != STATUS_NOT_FOUND && status != STATUS_CORRUPT && status != STATUS_VERSION)
        return status;
    log_unsendable(claim, what, status);
    return STATUS_CORRUPT;
}

static void take_target(struct flight *flight, const struct conf *conf, const struct subscription *subscription)
{
    flight->url = mem_strdup(subscription->url);
    flight->subscription_name = mem_strdup(subscription->name);
    destination_name(flight->url, flight->destination);
    flight->timeout_ms = flight_timeout_ms(conf, subscription);
    flight->policy = policy_of(conf, &subscription->retry_policy);
}

static bool may_start(const struct flight *flight, const struct subscription *subscription)
{
    int64_t lease_ms = flight->claim.lease_until_ms - clock_now_ms();
    return (subscription->active || flight->claim.is_forced) && lease_ms >= flight->timeout_ms + SETTLE_MARGIN_MS;
}

/* A wide event's list is much larger than its body, and each of its flights would have one. */
static void drop_recipients(struct event *event)
{
    free(event->subscriptions);
    event->subscriptions = NULL;
    event->subscription_count = 0;
}

static enum status load_event(struct flight *flight, struct store *store, const struct subscription *subscription)
{
    enum status status = store_event_get(store, &flight->claim.event_id, &flight->event);
    if (status != STATUS_OK)
        return damage_or_trouble(&flight->claim, "event", status);
    drop_recipients(&flight->event);
    status = compose_headers(store_keyring(store), subscription, &flight->event, flight->attempt.number,
                             flight->attempt.started_at_ms, &flight->composition);
    if (status != STATUS_OK)
        return damage_or_trouble(&flight->claim, "secrets", status);
    flight->attempt.signature_count = flight->composition.signature_count;
    return STATUS_OK;
}

/* ---- the launch ---- */

void launch_clear(struct launch *launch)
{
    if (launch->is_loaded)
        subscription_clear(&launch->subscription);
    *launch = (struct launch){0};
}

static bool is_of(const struct launch *launch, const struct claim *claim, int64_t now_ms)
{
    return launch->is_loaded && object_id_compare(&launch->subscription.id, &claim->subscription_id) == 0 &&
           now_ms >= launch->started_at_ms && now_ms - launch->started_at_ms < LAUNCH_MS;
}

static enum status join_launch(struct launch *launch, struct store *store, const struct claim *claim)
{
    int64_t now_ms = clock_now_ms();
    if (is_of(launch, claim, now_ms))
        return STATUS_OK;
    launch_clear(launch);
    launch->started_at_ms = now_ms;
    enum status status =
        store_subscription_get(store, &claim->organization_id, &claim->subscription_id, &launch->subscription);
    launch->is_loaded = status == STATUS_OK;
    return status;
}

static enum status load(struct flight *flight, struct store *store, const struct conf *conf, struct launch *launch)
{
    enum status status = join_launch(launch, store, &flight->claim);
    flight->attempt.started_at_ms = launch->started_at_ms;
    if (status == STATUS_NOT_FOUND)
        return STATUS_CONFLICT;
    if (status != STATUS_OK)
        return damage_or_trouble(&flight->claim, "subscription", status);
    take_target(flight, conf, &launch->subscription);
    return may_start(flight, &launch->subscription) ? load_event(flight, store, &launch->subscription)
                                                    : STATUS_CONFLICT;
}

enum status flight_prepare(struct store *store, const struct conf *conf, const struct claim *claim,
                           struct launch *launch, struct flight **out)
{
    struct flight *flight = mem_calloc(1, sizeof(*flight));
    flight->claim = *claim;
    flight->attempt.number = claim->attempt_count + 1;
    flight->policy = policy_of(conf, &flight->policy);
    enum status status = load(flight, store, conf, launch);
    if (status == STATUS_OK || status == STATUS_CORRUPT)
        *out = flight;
    else
        flight_free(flight);
    return status;
}

void flight_free(struct flight *flight)
{
    if (!flight)
        return;
    attempt_clear(&flight->attempt);
    event_clear(&flight->event);
    header_list_clear(&flight->composition.headers);
    mem_free_cleansed_text(flight->url); /* it may carry a token */
    free(flight->subscription_name);
    free(flight);
}

void flight_exchange(const struct flight *flight, struct exchange *out)
{
    *out = (struct exchange){
        .url = flight->url,
        .body = buf_slice(&flight->event.body),
        .headers = flight->composition.headers,
        .timeout_ms = flight->timeout_ms,
    };
}

/* ---- the end ---- */

static void log_attempt(const struct flight *flight)
{
    const struct attempt *attempt = &flight->attempt;
    char event_id[OBJECT_ID_TEXT];
    char subscription_id[OBJECT_ID_TEXT];
    object_id_format(&flight->claim.event_id, event_id);
    object_id_format(&flight->claim.subscription_id, subscription_id);
    log_info("attempt", LOG_TEXT("event_id", event_id), LOG_TEXT("trace_id", flight->event.trace_id),
             LOG_TEXT("subscription_id", subscription_id), LOG_NUMBER("number", attempt->number),
             LOG_NUMBER("status", attempt->response_status), LOG_TEXT("error", attempt_error_name(attempt->error)),
             LOG_NUMBER("duration_ms", attempt->duration_ms), LOG_TEXT("destination", flight->destination));
}

static void take_result(struct attempt *attempt, struct exchange_result *result)
{
    attempt->duration_ms = result->duration_ms;
    attempt->response_status = result->status;
    attempt->error = result->error;
    attempt->response_headers = result->headers;
    attempt->response_body = result->body;
    buf_init(&result->headers);
    buf_init(&result->body);
}

/* In [0,1): 53 random bits. */
static double random_fraction(void)
{
    uint64_t bits;
    crypto_random(&bits, sizeof(bits));
    return (double)(bits >> 11) / 9007199254740992.0;
}

static char *take_text(char **text)
{
    char *taken = *text;
    *text = NULL;
    return taken;
}

void flight_end(struct flight *flight, struct exchange_result *result, struct outcome *out)
{
    take_result(&flight->attempt, result);
    log_attempt(flight);
    struct next_state next =
        delivery_next(&flight->policy, flight->claim.budget_used + 1, flight->attempt.response_status,
                      flight->attempt.error, result->retry_after_ms, clock_now_ms(), random_fraction());
    *out = (struct outcome){
        .settlement = {.claim = flight->claim,
                       .attempt = flight->attempt,
                       .status = next.status,
                       .due_at_ms = next.due_at_ms},
        .gone_url = next.is_gone ? take_text(&flight->url) : NULL,
        .event_name = take_text(&flight->event.name),
        .subscription_name = take_text(&flight->subscription_name),
    };
    flight->attempt = (struct attempt){0}; /* moved */
}
