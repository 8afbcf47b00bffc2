/* A count of what waits, by state and by destination, in small steps beside the worker's real work. */
#ifndef HOOKTURN_DELIVERY_SURVEY_H
#define HOOKTURN_DELIVERY_SURVEY_H

#include <stdint.h>

#include "store/store.h"
#include "store/worker_state.h"

struct survey;

struct survey *survey_new(void);
void survey_free(struct survey *survey);
/* Counts some thousand deliveries more; takes some milliseconds at most. When all were counted, `survey` has them and
 * the next step begins anew. What the store does not give now it gives another time. */
void survey_step(struct survey *survey, struct store *store, int64_t now_ms);
/* The last whole count; NULL: there is none yet. */
const struct worker_backlog *survey_result(const struct survey *survey);

#endif
