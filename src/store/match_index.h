/* An organization's subscriptions as publishing sees them: which of them get an event, without reading any record. It
 * answers what event_matches() would answer for each subscription, in one look. */
#ifndef HOOKTURN_STORE_MATCH_INDEX_H
#define HOOKTURN_STORE_MATCH_INDEX_H

#include "model/event.h"
#include "model/subscription.h"

struct match_index;

struct match_index *match_index_new(void);
/* NULL is ignored. */
void match_index_free(struct match_index *index);
/* In the order in which events are to name them. Nothing is kept of a deleted one. */
void match_index_add(struct match_index *index, const struct subscription *subscription);
/* About so much memory it takes. */
size_t match_index_bytes(const struct match_index *index);
/* Replaces the event's list of subscriptions. Several threads may ask at once. */
void match_index_find(const struct match_index *index, struct event *event);

#endif
