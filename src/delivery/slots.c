/* The scheduling of deliveries. Three bounds, all of which must hold: `total`; a destination's window, of places that
 * all workers share; and what doubtful destinations may have together. The last is what keeps a thousand dead hosts
 * from the places of the living: at most a quarter goes to those that fail, at most three quarters to those and the
 * slow or unknown ones. (Of a single place there is no quarter: then everybody has it in turn.) */
#include "delivery/slots.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"

/* Other workers are asked again after so long. */
enum { ASK_AGAIN_MS = 20 };

struct slots {
    size_t total;
    size_t per_destination;
    size_t failing_max;
    size_t doubtful_max;
    size_t in_flight;
    size_t used[TEMPERS]; /* in flight or promised */
    struct shared_slots *shared;
    struct destinations *destinations;
    struct destination *touched;
    struct destination *promised_last;
    struct slots_refusals refusals;
    uint64_t round; /* from 1 */
};

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t less(size_t a, size_t b)
{
    return a > b ? a - b : 0;
}

static size_t at_least_one(size_t count)
{
    return count > 0 ? count : 1;
}

/* ---- life ---- */

struct slots *slots_new(size_t total, size_t per_destination, struct shared_slots *shared)
{
    struct slots *slots = mem_calloc(1, sizeof(*slots));
    slots->total = total;
    slots->per_destination = per_destination;
    slots->failing_max = at_least_one(total / 4);
    slots->doubtful_max = at_least_one(total * 3 / 4);
    slots->shared = shared;
    slots->round = 1;
    slots->destinations = destinations_new(DESTINATIONS_REMEMBERED, per_destination);
    return slots;
}

void slots_free(struct slots *slots)
{
    if (!slots)
        return;
    destinations_free(slots->destinations);
    free(slots);
}

size_t slots_room(const struct slots *slots)
{
    return less(slots->total, slots->in_flight);
}

/* ---- counting ---- */

static void touch(struct slots *slots, struct destination *destination)
{
    if (destination->is_touched)
        return;
    destination->is_touched = true;
    destination->next_touched = slots->touched;
    slots->touched = destination;
}

static size_t uses(const struct destination *destination)
{
    return destination->in_flight + destination->promised;
}

static void unpromise(struct slots *slots, struct destination *destination, size_t count)
{
    destination->promised -= count;
    slots->used[destination->window.temper] -= count;
}

static void set_window(struct slots *slots, struct destination *destination, struct window window)
{
    slots->used[destination->window.temper] -= uses(destination);
    slots->used[window.temper] += uses(destination);
    destination->window = window;
}

static size_t room_for(const struct slots *slots, enum temper temper)
{
    size_t failing = slots->used[TEMPER_FAILING];
    size_t doubtful = failing + slots->used[TEMPER_UNPROVEN];
    size_t room = less(slots->total, doubtful + slots->used[TEMPER_QUICK]);
    if (temper != TEMPER_QUICK)
        room = least(room, less(slots->doubtful_max, doubtful));
    if (temper == TEMPER_FAILING)
        room = least(room, less(slots->failing_max, failing));
    return room;
}

static size_t wanted_by(const struct slots *slots, const struct destination *destination)
{
    return least(less(destination->window.size, uses(destination)), room_for(slots, destination->window.temper));
}

/* ---- turns ---- */

static bool is_same(const struct object_id *a, const struct object_id *b)
{
    return object_id_compare(a, b) == 0;
}

/* The subscriptions come in the same order in each round: without turns the first of them would have every place of a
 * destination that they share for as long as it has something due. */
static void note_turned_away(struct destination *destination, const struct object_id *subscription_id)
{
    if (destination->has_turn || is_same(&destination->served, subscription_id))
        return;
    destination->turn = *subscription_id;
    destination->has_turn = true;
    destination->yielded_round = 0;
}

static void note_served(struct destination *destination, const struct object_id *subscription_id)
{
    destination->served = *subscription_id;
    if (destination->has_turn && is_same(&destination->turn, subscription_id))
        destination->has_turn = false;
}

/* Whether it is another one's turn. Who did not come in a whole round may have nothing left: the turn is over. */
static bool must_yield(struct slots *slots, struct destination *destination, const struct object_id *subscription_id)
{
    bool is_over = destination->yielded_round != 0 && destination->yielded_round != slots->round;
    if (is_over)
        destination->has_turn = false;
    if (!destination->has_turn || is_same(&destination->turn, subscription_id))
        return false;
    destination->yielded_round = slots->round;
    touch(slots, destination);
    return true;
}

/* ---- planning ---- */

bool slots_may_start(struct slots *slots, const struct object_id *subscription_id)
{
    int64_t now_ms = clock_monotonic_ms();
    struct destination *destination = destinations_of(slots->destinations, subscription_id, now_ms);
    if (!destination)
        return true;
    bool is_refused_here = wanted_by(slots, destination) == 0;
    bool is_refused_there = !is_refused_here && now_ms < destination->refused_until_ms;
    slots->refusals.by_us |= is_refused_here;
    slots->refusals.by_others |= is_refused_there;
    if (!is_refused_here && !is_refused_there)
        return !must_yield(slots, destination, subscription_id);
    note_turned_away(destination, subscription_id);
    return false;
}

/* How many of the wanted places are ours, or can be had. */
static size_t hold_places(struct slots *slots, struct destination *destination, size_t wanted)
{
    size_t spare = destination->hold.count - uses(destination);
    if (spare >= wanted)
        return wanted;
    return spare + shared_slots_take(slots->shared, destination->id, &destination->hold, wanted - spare);
}

size_t slots_plan(struct slots *slots, const char *name, const struct object_id *subscription_id)
{
    int64_t now_ms = clock_monotonic_ms();
    struct destination *destination = destinations_use(slots->destinations, name);
    size_t wanted = wanted_by(slots, destination);
    destinations_note(slots->destinations, subscription_id, destination, now_ms);
    touch(slots, destination);
    slots->promised_last = destination;
    if (wanted > 0 && must_yield(slots, destination, subscription_id))
        return 0;
    size_t count = wanted > 0 ? hold_places(slots, destination, wanted) : 0;
    if (count > 0)
        note_served(destination, subscription_id);
    else
        note_turned_away(destination, subscription_id);
    if (wanted > 0 && count == 0)
        destination->refused_until_ms = now_ms + ASK_AGAIN_MS;
    slots->refusals.by_us |= wanted == 0;
    slots->refusals.by_others |= wanted > 0 && count == 0;
    destination->promised += count;
    slots->used[destination->window.temper] += count;
    return count;
}

void slots_return(struct slots *slots, size_t count)
{
    assert(count == 0 || (slots->promised_last && slots->promised_last->promised >= count));
    if (count > 0)
        unpromise(slots, slots->promised_last, count);
}

void slots_tidy(struct slots *slots)
{
    while (slots->touched) {
        struct destination *destination = slots->touched;
        size_t unused = destination->hold.count - uses(destination);
        slots->touched = destination->next_touched;
        destination->is_touched = false;
        if (unused > 0)
            shared_slots_give_back(slots->shared, destination->id, &destination->hold, unused);
        if (uses(destination) == 0)
            destinations_rest(slots->destinations, destination);
    }
}

struct slots_refusals slots_end_round(struct slots *slots)
{
    struct slots_refusals refusals = slots->refusals;
    for (struct destination *destination = slots->touched; destination; destination = destination->next_touched) {
        unpromise(slots, destination, destination->promised);
        refusals.by_turn |= destination->yielded_round == slots->round && wanted_by(slots, destination) > 0;
    }
    slots_tidy(slots);
    slots->round++;
    slots->promised_last = NULL;
    slots->refusals = (struct slots_refusals){0};
    return refusals;
}

/* ---- requests ---- */

struct destination *slots_take(struct slots *slots, const char *name)
{
    struct destination *destination = destinations_use(slots->destinations, name);
    touch(slots, destination);
    if (destination->promised > 0)
        unpromise(slots, destination, 1);
    else if (hold_places(slots, destination, 1) == 0)
        return NULL;
    destination->in_flight++;
    slots->in_flight++;
    slots->used[destination->window.temper]++;
    return destination;
}

static void note_failure(struct destination *destination, int32_t status, enum attempt_error error)
{
    bool is_failing = destination->window.temper == TEMPER_FAILING;
    destination->failures = is_failing ? destination->failures + 1 : 0;
    destination->last_error = is_failing ? error : ATTEMPT_NO_ERROR;
    destination->last_status = is_failing ? status : 0;
}

void slots_give_back(struct slots *slots, struct destination *destination, int32_t status, enum attempt_error error,
                     int64_t duration_ms)
{
    assert(destination->in_flight > 0);
    set_window(slots, destination,
               window_next(destination->window, status, error, duration_ms, slots->per_destination));
    note_failure(destination, status, error);
    slots->used[destination->window.temper]--;
    destination->in_flight--;
    slots->in_flight--;
    touch(slots, destination);
}

/* ---- seeing ---- */

struct worst {
    struct slots_trouble *items; /* in order */
    size_t count;
    size_t max;
};

static void insert_if_bad(void *context, const struct destination *destination)
{
    struct worst *worst = context;
    size_t place = worst->count;
    if (destination->failures == 0)
        return;
    while (place > 0 && worst->items[place - 1].failures < destination->failures)
        place--;
    if (place == worst->max)
        return;
    if (worst->count < worst->max)
        worst->count++;
    memmove(&worst->items[place + 1], &worst->items[place], (worst->count - 1 - place) * sizeof(*worst->items));
    worst->items[place] = (struct slots_trouble){
        .in_flight = destination->in_flight,
        .window = destination->window.size,
        .failures = destination->failures,
        .last_error = destination->last_error,
        .last_status = destination->last_status,
    };
    /* NOLINTNEXTLINE(clang-analyzer-security.insecureAPI.strcpy): no name is longer than DESTINATION_NAME_SIZE */
    (void)strcpy(worst->items[place].name, destination->name);
}

size_t slots_worst(const struct slots *slots, struct slots_trouble *out, size_t max)
{
    struct worst worst = {.items = out, .max = max};
    destinations_walk(slots->destinations, insert_if_bad, &worst);
    return worst.count;
}
