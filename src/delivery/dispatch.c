/* The middle of the worker: which claims become flights, which flights are up, and where they end. */
#include "delivery/dispatch.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/flight.h"
#include "delivery/outcomes.h"
#include "delivery/probing.h"
#include "delivery/sender.h"
#include "delivery/slots.h"

_Static_assert((int)WORKER_DESTINATION_NAME == (int)DESTINATION_NAME_SIZE, "a name is copied as it stands");

struct dispatch {
    struct store *store;
    const struct conf *conf;
    struct sender *sender;
    struct shared_slots *shared;
    struct slots *slots;
    struct outcomes *outcomes;
    struct probing *probing;
    struct flight **flights; /* those that are up, in any order */
    size_t flight_count;
    size_t capacity;
    struct claim *claims; /* room for `capacity`, used within one call */
    struct claim *returns;
    size_t return_count;
    size_t admitted; /* of the subscription that was asked about last */
};

/* ---- life ---- */

static void init(struct dispatch *dispatch, struct store *store, const struct conf *conf)
{
    size_t capacity = (size_t)conf->concurrency;
    dispatch->store = store;
    dispatch->conf = conf;
    dispatch->slots = slots_new(capacity, (size_t)conf->destination_concurrency, dispatch->shared);
    dispatch->outcomes = outcomes_new(capacity, conf->disable_after_ms);
    dispatch->probing = probing_new(store, conf, dispatch->sender, dispatch->slots);
    dispatch->flights = mem_calloc(capacity, sizeof(struct flight *));
    dispatch->claims = mem_calloc(capacity, sizeof(*dispatch->claims));
    dispatch->returns = mem_calloc(capacity, sizeof(*dispatch->returns));
    dispatch->capacity = capacity;
}

enum status dispatch_new(struct store *store, const struct conf *conf, struct dispatch **out, struct failure *failure)
{
    struct shared_slots *shared;
    struct sender *sender;
    enum status status = shared_slots_open(conf->data_dir, (size_t)conf->destination_concurrency, &shared, failure);
    if (status != STATUS_OK)
        return status;
    status = sender_new(&conf->destinations, (size_t)conf->concurrency, &sender, failure);
    if (status != STATUS_OK) {
        shared_slots_close(shared);
        return status;
    }
    struct dispatch *dispatch = mem_calloc(1, sizeof(*dispatch));
    dispatch->shared = shared;
    dispatch->sender = sender;
    init(dispatch, store, conf);
    *out = dispatch;
    return STATUS_OK;
}

/* The sender goes first: it borrows from the flights. */
static void drop_flights(struct dispatch *dispatch)
{
    sender_free(dispatch->sender);
    dispatch->sender = NULL;
    for (size_t i = 0; i < dispatch->flight_count; i++)
        flight_free(dispatch->flights[i]);
    dispatch->flight_count = 0;
}

void dispatch_free(struct dispatch *dispatch)
{
    if (!dispatch)
        return;
    drop_flights(dispatch);
    probing_free(dispatch->probing);
    slots_free(dispatch->slots);
    shared_slots_close(dispatch->shared);
    outcomes_free(dispatch->outcomes);
    free(dispatch->flights);
    free(dispatch->claims);
    free(dispatch->returns);
    free(dispatch);
}

size_t dispatch_in_flight(const struct dispatch *dispatch)
{
    return dispatch->flight_count + probing_in_flight(dispatch->probing);
}

size_t dispatch_unsettled(const struct dispatch *dispatch)
{
    return outcomes_count(dispatch->outcomes) + probing_unsettled(dispatch->probing);
}

struct worker_counts *dispatch_counts(struct dispatch *dispatch)
{
    return outcomes_counts(dispatch->outcomes);
}

size_t dispatch_room(const struct dispatch *dispatch)
{
    size_t room = slots_room(dispatch->slots);
    size_t unsettled = outcomes_count(dispatch->outcomes); /* a probe keeps its slot until it is over */
    return room > unsettled ? room - unsettled : 0;
}

/* ---- handing back ---- */

static void hand_back(struct dispatch *dispatch)
{
    if (dispatch->return_count == 0)
        return;
    enum status status = store_release(dispatch->store, clock_now_ms(), dispatch->returns, dispatch->return_count);
    if (status != STATUS_OK) /* their leases run out */
        log_warn("release_failed", LOG_TEXT("status", status_name(status)),
                 LOG_NUMBER("claims", dispatch->return_count));
    dispatch->return_count = 0;
}

static void will_hand_back(struct dispatch *dispatch, const struct claim *claim)
{
    dispatch->returns[dispatch->return_count++] = *claim;
}

void dispatch_abandon(struct dispatch *dispatch)
{
    dispatch->return_count = 0;
    for (size_t i = 0; i < dispatch->flight_count; i++)
        will_hand_back(dispatch, &dispatch->flights[i]->claim);
    drop_flights(dispatch);
    hand_back(dispatch);
    probing_abandon(dispatch->probing);
}

/* ---- the end of a flight ---- */

static void finish(struct dispatch *dispatch, struct flight *flight, struct exchange_result *result)
{
    struct outcome outcome;
    flight_end(flight, result, &outcome);
    outcomes_add(dispatch->outcomes, &outcome);
    flight_free(flight);
}

static void on_done(void *context, struct exchange_result *result)
{
    struct flight *flight = context;
    struct dispatch *dispatch = flight->owner;
    struct flight *last = dispatch->flights[--dispatch->flight_count];
    dispatch->flights[flight->place] = last;
    last->place = flight->place;
    slots_give_back(dispatch->slots, flight->slot, result->status, result->error, result->duration_ms);
    finish(dispatch, flight, result);
}

/* What cannot even be sent ends like any attempt: counted, visible, tried again by policy. */
static void finish_unsent(struct dispatch *dispatch, struct flight *flight)
{
    struct exchange_result result = {.error = ATTEMPT_PROTOCOL, .retry_after_ms = -1};
    finish(dispatch, flight, &result);
}

/* ---- the beginning of a flight ---- */

static void send_off(struct dispatch *dispatch, struct flight *flight)
{
    struct exchange exchange;
    flight->owner = dispatch;
    flight->place = dispatch->flight_count;
    dispatch->flights[dispatch->flight_count++] = flight;
    flight_exchange(flight, &exchange);
    exchange.context = flight;
    sender_start(dispatch->sender, &exchange, on_done);
    header_list_clear(&flight->composition.headers); /* the sender has its own copy */
}

/* STATUS_CONFLICT where its URL was changed since the claim, and the new destination has no place. */
static enum status prepare(struct dispatch *dispatch, const struct claim *claim, struct launch *launch,
                           struct flight **out)
{
    enum status status = flight_prepare(dispatch->store, dispatch->conf, claim, launch, out);
    if (status != STATUS_OK)
        return status;
    (*out)->slot = slots_take(dispatch->slots, (*out)->destination);
    if ((*out)->slot)
        return STATUS_OK;
    flight_free(*out);
    return STATUS_CONFLICT;
}

static enum status start(struct dispatch *dispatch, const struct claim *claim, struct launch *launch,
                         struct claim_round *round)
{
    struct flight *flight;
    enum status status = prepare(dispatch, claim, launch, &flight);
    switch (status) {
    case STATUS_OK:
        send_off(dispatch, flight);
        break;
    case STATUS_CORRUPT:
        finish_unsent(dispatch, flight);
        break;
    default:
        will_hand_back(dispatch, claim);
        return status == STATUS_CONFLICT ? STATUS_OK : status;
    }
    round->started++;
    return STATUS_OK;
}

static enum status start_all(struct dispatch *dispatch, struct claim_round *round)
{
    enum status status = STATUS_OK;
    struct launch launch = {0};
    for (size_t i = 0; i < round->claimed; i++) {
        if (status == STATUS_OK)
            status = start(dispatch, &dispatch->claims[i], &launch, round);
        else
            will_hand_back(dispatch, &dispatch->claims[i]);
    }
    launch_clear(&launch);
    hand_back(dispatch);
    return status;
}

/* ---- claiming ---- */

static bool passes_over(void *context, const struct object_id *subscription_id)
{
    const struct dispatch *dispatch = context;
    return !slots_may_start(dispatch->slots, subscription_id);
}

static struct admission admit(void *context, const struct subscription *subscription)
{
    struct dispatch *dispatch = context;
    char destination[DESTINATION_NAME_SIZE];
    destination_name(subscription->url, destination);
    dispatch->admitted = slots_plan(dispatch->slots, destination, &subscription->id);
    return (struct admission){
        .count = dispatch->admitted,
        .lease_ms = flight_timeout_ms(dispatch->conf, subscription) + FLIGHT_LEASE_MARGIN_MS,
    };
}

static void return_rest(void *context, size_t claimed)
{
    struct dispatch *dispatch = context;
    slots_return(dispatch->slots, dispatch->admitted - claimed);
}

static enum status claim_deliveries(struct dispatch *dispatch, struct claim_round *out)
{
    const struct claimer claimer = {
        .context = dispatch,
        .is_hasty = dispatch->flight_count > 0,
        .passes_over = passes_over,
        .admit = admit,
        .claimed = return_rest,
    };
    int64_t next_due_ms = INT64_MAX;
    enum status status = store_claim(dispatch->store, clock_now_ms(), dispatch_room(dispatch), &claimer,
                                     dispatch->claims, &out->claimed, &next_due_ms);
    if (status == STATUS_OK)
        status = start_all(dispatch, out);
    if (next_due_ms < out->next_due_ms)
        out->next_due_ms = next_due_ms;
    return status;
}

/* Probes first: there are few, and somebody waits for each. */
enum status dispatch_claim(struct dispatch *dispatch, struct claim_round *out)
{
    *out = (struct claim_round){.next_due_ms = INT64_MAX, .may_have_more = true};
    if (dispatch_room(dispatch) == 0)
        return STATUS_OK;
    struct probe_round probes = {.admit = admit, .context = dispatch, .room = dispatch_room(dispatch)};
    enum status status = probing_claim(dispatch->probing, &probes);
    out->next_due_ms = probes.next_due_ms;
    if (status == STATUS_OK && dispatch_room(dispatch) > 0)
        status = claim_deliveries(dispatch, out);
    struct slots_refusals refusals = slots_end_round(dispatch->slots);
    if (refusals.by_turn) /* who stood back has the rest at once */
        out->next_due_ms = clock_now_ms();
    out->claimed += probes.claimed;
    out->started += probes.started;
    out->may_have_more = refusals.by_us || probes.refusals.by_us || out->claimed > 0;
    out->waits_for_others = refusals.by_others || probes.refusals.by_others;
    return status;
}

void dispatch_failing(const struct dispatch *dispatch, struct worker_failing *out)
{
    struct slots_trouble worst[WORKER_DESTINATIONS];
    out->count = slots_worst(dispatch->slots, worst, WORKER_DESTINATIONS);
    for (size_t i = 0; i < out->count; i++) {
        memcpy(out->items[i].name, worst[i].name, sizeof(out->items[i].name));
        out->items[i].failures = worst[i].failures;
        out->items[i].window = worst[i].window;
    }
}

void dispatch_run(struct dispatch *dispatch, int64_t timeout_ms, int wake_fd)
{
    slots_tidy(dispatch->slots);
    sender_run(dispatch->sender, timeout_ms, wake_fd);
}

enum status dispatch_settle(struct dispatch *dispatch)
{
    enum status status = outcomes_settle(dispatch->outcomes, dispatch->store);
    return status == STATUS_OK ? probing_go_on(dispatch->probing) : status;
}
