/* Who may start now: a number of requests in all, and a number to each host, so that a slow one delays no other. */
#ifndef HOOKTURN_DELIVERY_SLOTS_H
#define HOOKTURN_DELIVERY_SLOTS_H

#include <stdbool.h>
#include <stddef.h>

struct slots;

struct slots *slots_new(size_t total, size_t per_host);
void slots_free(struct slots *slots);

/* Free ones, whatever the host. */
size_t slots_room(const struct slots *slots);
/* A request to `host` begins, or ended. They are counted even beyond the limits. */
void slots_take(struct slots *slots, const char *host);
void slots_give_back(struct slots *slots, const char *host);

/* A round of planning: how many requests to `host` can be promised, less what the same round promised already. What it
 * says is promised until slots_end_round, which takes all promises back: by then slots_take has counted what became of
 * them. */
size_t slots_plan(struct slots *slots, const char *host);
/* Whether somebody was promised less than is free for his host, because of another's promise or because nothing is
 * free: there may be more to start once something ended or the round is over. */
bool slots_end_round(struct slots *slots);

#endif
