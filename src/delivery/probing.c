/* The life of a probe within a worker: one request after the other, because a receiver that counts requests would
 * refuse one of two at once for that reason. It holds one slot of its destination from the first request's beginning to
 * the second one's end. The lease covers one request and begins anew with the second, so that what a killed worker had
 * is out again as soon as a delivery would be; both requests are then made again. */
#include "delivery/probing.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "delivery/flight.h"
#include "delivery/probe_flight.h"

struct errand {
    struct probe_flight flight;
    struct destination *slot; /* what it holds from its first request on; NULL: the first one could not be made */
    bool is_up;               /* its request is under way */
    struct probing *owner;
    struct errand *next;
};

struct probing {
    struct store *store;
    const struct conf *conf;
    struct sender *sender;
    struct slots *slots;
    struct errand *errands;
    size_t count;
    size_t in_flight;
};

/* ---- life ---- */

struct probing *probing_new(struct store *store, const struct conf *conf, struct sender *sender, struct slots *slots)
{
    struct probing *probing = mem_calloc(1, sizeof(*probing));
    *probing = (struct probing){.store = store, .conf = conf, .sender = sender, .slots = slots};
    return probing;
}

/* What its last request came to says how the destination fares; of one that is dropped on its way nothing is known. */
static void give_back_slot(struct errand *errand)
{
    static const struct probe_reply unknown = {.error = ATTEMPT_TIMEOUT};
    const struct probe_flight *flight = &errand->flight;
    const struct probe_reply *reply = flight->ended > 0 ? &flight->replies[flight->ended - 1] : &unknown;
    if (errand->slot)
        slots_give_back(errand->owner->slots, errand->slot, reply->response_status, reply->error, reply->duration_ms);
}

/* Takes the errand at `link` out of the list. */
static void drop(struct errand **link)
{
    struct errand *errand = *link;
    struct probing *probing = errand->owner;
    *link = errand->next;
    probing->count--;
    probing->in_flight -= errand->is_up;
    give_back_slot(errand);
    probe_flight_clear(&errand->flight);
    free(errand);
}

void probing_free(struct probing *probing)
{
    if (!probing)
        return;
    while (probing->errands)
        drop(&probing->errands);
    free(probing);
}

size_t probing_in_flight(const struct probing *probing)
{
    return probing->in_flight;
}

size_t probing_unsettled(const struct probing *probing)
{
    return probing->count - probing->in_flight;
}

/* ---- the requests ---- */

static void on_done(void *context, struct exchange_result *result)
{
    struct errand *errand = context;
    errand->is_up = false;
    errand->owner->in_flight--;
    probe_flight_end(&errand->flight, result);
}

static void end_unmade(struct errand *errand)
{
    const struct exchange_result result = {.error = ATTEMPT_PROTOCOL};
    probe_flight_end(&errand->flight, &result);
}

static void send_off(struct errand *errand)
{
    struct exchange exchange;
    struct probing *probing = errand->owner;
    probe_flight_exchange(&errand->flight, &exchange);
    exchange.context = errand;
    errand->is_up = true;
    probing->in_flight++;
    sender_start(probing->sender, &exchange, on_done);
    header_list_clear(&errand->flight.composition.headers); /* the sender has its own copy */
}

/* Its slot is that of the destination that it is asked at first. STATUS_CONFLICT: that has no place. */
static enum status take_slot(struct errand *errand)
{
    if (!errand->slot)
        errand->slot = slots_take(errand->owner->slots, errand->flight.destination);
    return errand->slot ? STATUS_OK : STATUS_CONFLICT;
}

/* The next request is on its way, or has ended by not being possible. */
static enum status ask(struct errand *errand)
{
    struct probing *probing = errand->owner;
    enum status status = probe_flight_prepare(&errand->flight, probing->store, probing->conf);
    if (status == STATUS_OK)
        status = take_slot(errand);
    if (status == STATUS_OK)
        send_off(errand);
    else if (status == STATUS_CORRUPT)
        end_unmade(errand);
    return status == STATUS_CORRUPT ? STATUS_OK : status;
}

/* ---- claiming ---- */

static void hand_back(struct probing *probing, const struct probe_claim *claim)
{
    enum status status = store_probe_release(probing->store, clock_now_ms(), claim);
    if (status != STATUS_OK) /* its lease runs out */
        log_warn("release_failed", LOG_TEXT("status", status_name(status)), LOG_NUMBER("probes", 1));
}

static enum status begin(struct probing *probing, const struct probe_claim *claim, struct probe_round *round)
{
    struct errand *errand = mem_calloc(1, sizeof(*errand));
    errand->flight.claim = *claim;
    errand->owner = probing;
    enum status status = ask(errand);
    if (status != STATUS_OK) {
        hand_back(probing, claim);
        probe_flight_clear(&errand->flight);
        free(errand);
        return status == STATUS_CONFLICT ? STATUS_OK : status;
    }
    errand->next = probing->errands;
    probing->errands = errand;
    probing->count++;
    round->started++;
    return STATUS_OK;
}

enum status probing_claim(struct probing *probing, struct probe_round *round)
{
    enum status status = STATUS_OK;
    struct probe_claim claim = {.generation = 0};
    round->claimed = round->started = 0;
    round->refusals = (struct slots_refusals){0};
    round->next_due_ms = INT64_MAX;
    while (status == STATUS_OK && round->started < round->room) {
        struct object_id after = claim.subscription_id;
        status = store_probe_claim(probing->store, clock_now_ms(), &after, round->admit, round->context, &claim,
                                   &round->next_due_ms);
        if (status == STATUS_OK) {
            round->claimed++;
            status = begin(probing, &claim, round);
        }
        struct slots_refusals refusals = slots_end_round(probing->slots); /* one probe is one request */
        round->refusals.by_us |= refusals.by_us;
        round->refusals.by_others |= refusals.by_others;
    }
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

/* ---- going on ---- */

static void log_dropped(const struct probe_flight *flight, const char *why)
{
    char id[OBJECT_ID_TEXT];
    object_id_format(&flight->claim.subscription_id, id);
    log_warn("probe_dropped", LOG_TEXT("why", why), LOG_TEXT("subscription_id", id));
}

/* STATUS_CONFLICT: it is not ours any more, or no longer the same probe. */
static enum status ask_again(struct errand *errand)
{
    struct probing *probing = errand->owner;
    struct probe_flight *flight = &errand->flight;
    int64_t lease_ms = flight->timeout_ms + FLIGHT_LEASE_MARGIN_MS;
    enum status status = store_probe_extend(probing->store, clock_now_ms(), lease_ms, &flight->claim);
    if (status == STATUS_OK)
        status = ask(errand);
    if (status == STATUS_CONFLICT)
        hand_back(probing, &flight->claim);
    return status;
}

/* STATUS_CONFLICT: likewise. */
static enum status finish(struct errand *errand)
{
    struct probe_flight *flight = &errand->flight;
    struct probe_settlement settlement = {.claim = flight->claim, .version = flight->version};
    memcpy(settlement.replies, flight->replies, sizeof(settlement.replies));
    enum status status = store_probe_finish(errand->owner->store, clock_now_ms(), &settlement);
    return status == STATUS_OK && !settlement.was_applied ? STATUS_CONFLICT : status;
}

/* Whether the errand is over, in *is_over; a status that says that the store takes nothing now is returned. */
static enum status go_on(struct errand *errand, bool *is_over)
{
    struct probe_flight *flight = &errand->flight;
    bool is_asked = flight->ended == PROBE_PARTS;
    enum status status = is_asked ? finish(errand) : ask_again(errand);
    bool is_overdue = status != STATUS_OK && flight->claim.lease_until_ms <= clock_now_ms();
    *is_over = (is_asked && status == STATUS_OK) || status == STATUS_CONFLICT || is_overdue;
    if (*is_over && status != STATUS_OK)
        log_dropped(flight, status == STATUS_CONFLICT ? "its lease is over, or its subscription is another one by now"
                                                      : "the store did not take it in time");
    return status == STATUS_CONFLICT ? STATUS_OK : status;
}

/* A second request that could not be made leaves its errand to be finished: it is looked at once more. */
enum status probing_go_on(struct probing *probing)
{
    enum status status = STATUS_OK;
    struct errand **link = &probing->errands;
    while (*link && status == STATUS_OK) {
        bool is_over = false;
        if ((*link)->is_up) {
            link = &(*link)->next;
            continue;
        }
        status = go_on(*link, &is_over);
        if (is_over)
            drop(link);
    }
    return status;
}

void probing_abandon(struct probing *probing)
{
    while (probing->errands) {
        hand_back(probing, &probing->errands->flight.claim);
        drop(&probing->errands);
    }
}
