/* The counts behind the scheduling of deliveries, by host, in a tree that holds the hosts in use alone. */
#include "delivery/slots.h"

#include <assert.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

struct host {
    char *name;
    size_t in_flight;
    size_t promised;
    struct host *next_promised;
};

struct slots {
    size_t total;
    size_t per_host;
    size_t in_flight;
    void *hosts;           /* tsearch(3) */
    struct host *promised; /* the round's */
    bool has_refused;
};

static int compare(const void *a, const void *b)
{
    return strcmp(((const struct host *)a)->name, ((const struct host *)b)->name);
}

static struct host *find(const struct slots *slots, const char *name)
{
    struct host wanted = {.name = (char *)(size_t)name};
    void *const *found = tfind(&wanted, &slots->hosts, compare);
    return found ? *found : NULL;
}

static struct host *find_or_add(struct slots *slots, const char *name)
{
    struct host *host = find(slots, name);
    if (host)
        return host;
    host = mem_calloc(1, sizeof(*host));
    host->name = mem_strdup(name);
    if (!tsearch(host, &slots->hosts, compare))
        abort(); /* without memory nothing can go on */
    return host;
}

static void free_host(void *node)
{
    struct host *host = node;
    free(host->name);
    free(host);
}

static void forget_if_unused(struct slots *slots, struct host *host)
{
    if (host->in_flight > 0 || host->promised > 0)
        return;
    (void)tdelete(host, &slots->hosts, compare);
    free_host(host);
}

struct slots *slots_new(size_t total, size_t per_host)
{
    struct slots *slots = mem_calloc(1, sizeof(*slots));
    slots->total = total;
    slots->per_host = per_host;
    return slots;
}

void slots_free(struct slots *slots)
{
    if (!slots)
        return;
    tdestroy(slots->hosts, free_host);
    free(slots);
}

size_t slots_room(const struct slots *slots)
{
    return slots->total > slots->in_flight ? slots->total - slots->in_flight : 0;
}

void slots_take(struct slots *slots, const char *name)
{
    find_or_add(slots, name)->in_flight++;
    slots->in_flight++;
}

void slots_give_back(struct slots *slots, const char *name)
{
    struct host *host = find(slots, name);
    assert(host && host->in_flight > 0);
    host->in_flight--;
    slots->in_flight--;
    forget_if_unused(slots, host);
}

static size_t least(size_t a, size_t b)
{
    return a < b ? a : b;
}

size_t slots_plan(struct slots *slots, const char *name)
{
    struct host *host = find_or_add(slots, name);
    size_t used = host->in_flight + host->promised;
    size_t count = least(used < slots->per_host ? slots->per_host - used : 0, slots_room(slots));
    slots->has_refused |= count == 0 || host->promised > 0;
    if (host->promised == 0 && count > 0) {
        host->next_promised = slots->promised;
        slots->promised = host;
    }
    host->promised += count;
    forget_if_unused(slots, host);
    return count;
}

bool slots_end_round(struct slots *slots)
{
    bool has_refused = slots->has_refused;
    while (slots->promised) {
        struct host *host = slots->promised;
        slots->promised = host->next_promised;
        host->promised = 0;
        forget_if_unused(slots, host);
    }
    slots->has_refused = false;
    return has_refused;
}
