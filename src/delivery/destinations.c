/* The scheduler's memory: a tree by id, a list of those that rest (the one used longest ago goes first), and a table of
 * subscriptions in which a newer one takes an older one's place. */
#include "delivery/destinations.h"

#include <search.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

_Static_assert((SUBSCRIPTIONS_REMEMBERED & (SUBSCRIPTIONS_REMEMBERED - 1)) == 0, "places are found by a mask");

struct seen {
    struct object_id subscription_id;
    int64_t until_ms; /* 0: empty */
    uint64_t destination_id;
};

struct destinations {
    void *tree; /* tsearch(3), by id */
    size_t remembered;
    size_t window_max;
    struct destination ends; /* of the list: `newer` is the oldest one, `older` the newest */
    size_t resting;
    struct seen *seen; /* SUBSCRIPTIONS_REMEMBERED */
};

/* ---- the tree ---- */

static int compare(const void *a, const void *b)
{
    uint64_t left = ((const struct destination *)a)->id, right = ((const struct destination *)b)->id;
    return (left > right) - (left < right);
}

struct destination *destinations_find(const struct destinations *destinations, uint64_t id)
{
    struct destination wanted = {.id = id};
    void *const *found = tfind(&wanted, &destinations->tree, compare);
    return found ? *found : NULL;
}

static struct destination *add(struct destinations *destinations, uint64_t id, const char *name)
{
    struct destination *destination = mem_calloc(1, sizeof(*destination));
    destination->id = id;
    destination->name = mem_strdup(name);
    destination->window = window_start(destinations->window_max);
    (void)mem_check(tsearch(destination, &destinations->tree, compare));
    return destination;
}

static void free_one(void *node)
{
    struct destination *destination = node;
    shared_hold_clear(&destination->hold);
    free(destination->name);
    free(destination);
}

/* ---- the list ---- */

static void leave_list(struct destinations *destinations, struct destination *destination)
{
    destination->newer->older = destination->older;
    destination->older->newer = destination->newer;
    destination->is_resting = false;
    destinations->resting--;
}

static void join_list(struct destinations *destinations, struct destination *destination)
{
    struct destination *ends = &destinations->ends;
    destination->newer = ends;
    destination->older = ends->older;
    ends->older->newer = destination;
    ends->older = destination;
    destination->is_resting = true;
    destinations->resting++;
}

/* ---- life ---- */

struct destinations *destinations_new(size_t remembered, size_t window_max)
{
    struct destinations *destinations = mem_calloc(1, sizeof(*destinations));
    destinations->remembered = remembered;
    destinations->window_max = window_max;
    destinations->ends.newer = destinations->ends.older = &destinations->ends;
    destinations->seen = mem_calloc(SUBSCRIPTIONS_REMEMBERED, sizeof(*destinations->seen));
    return destinations;
}

void destinations_free(struct destinations *destinations)
{
    if (!destinations)
        return;
    tdestroy(destinations->tree, free_one);
    free(destinations->seen);
    free(destinations);
}

/* ---- destinations ---- */

void destination_name(const char *url, char out[DESTINATION_NAME_SIZE])
{
    struct url parts;
    const char *message;
    out[0] = '\0';
    if (url_parse(url, strlen(url), &parts, &message) == STATUS_OK)
        (void)snprintf(out, DESTINATION_NAME_SIZE, "%s:%u", parts.host, (unsigned)parts.port);
}

struct destination *destinations_use(struct destinations *destinations, const char *name)
{
    uint64_t id = shared_slots_id(name);
    struct destination *destination = destinations_find(destinations, id);
    if (!destination)
        return add(destinations, id, name);
    if (destination->is_resting)
        leave_list(destinations, destination);
    return destination;
}

void destinations_rest(struct destinations *destinations, struct destination *destination)
{
    if (destination->is_resting)
        return;
    join_list(destinations, destination);
    if (destinations->resting <= destinations->remembered)
        return;
    struct destination *oldest = destinations->ends.newer;
    leave_list(destinations, oldest);
    (void)tdelete(oldest, &destinations->tree, compare);
    free_one(oldest);
}

struct walk {
    void (*visit)(void *context, const struct destination *destination);
    void *context;
};

static void walk_node(const void *node, VISIT which, void *closure)
{
    const struct walk *walk = closure;
    if (which == postorder || which == leaf)
        walk->visit(walk->context, *(struct destination *const *)node);
}

void destinations_walk(const struct destinations *destinations,
                       void (*visit)(void *context, const struct destination *destination), void *context)
{
    struct walk walk = {visit, context};
    twalk_r(destinations->tree, walk_node, &walk);
}

/* ---- subscriptions ---- */

/* An id ends in random bytes. */
static struct seen *place_of(const struct destinations *destinations, const struct object_id *subscription_id)
{
    const unsigned char *end = subscription_id->bytes + OBJECT_ID_BYTES;
    size_t number = (size_t)end[-1] | (size_t)end[-2] << 8 | (size_t)end[-3] << 16;
    return &destinations->seen[number & (SUBSCRIPTIONS_REMEMBERED - 1)];
}

void destinations_note(struct destinations *destinations, const struct object_id *subscription_id,
                       const struct destination *destination, int64_t now_ms)
{
    *place_of(destinations, subscription_id) = (struct seen){
        .subscription_id = *subscription_id,
        .until_ms = now_ms + SUBSCRIPTION_KNOWN_MS,
        .destination_id = destination->id,
    };
}

struct destination *destinations_of(const struct destinations *destinations, const struct object_id *subscription_id,
                                    int64_t now_ms)
{
    const struct seen *seen = place_of(destinations, subscription_id);
    if (seen->until_ms <= now_ms || object_id_compare(&seen->subscription_id, subscription_id) != 0)
        return NULL;
    return destinations_find(destinations, seen->destination_id);
}
