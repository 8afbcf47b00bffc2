/* A delivery as its answers show it. */
#ifndef HOOKTURN_API_RENDER_DELIVERY_H
#define HOOKTURN_API_RENDER_DELIVERY_H

#include "base/json_out.h"
#include "store/store.h"

/* Adds the members that every answer has. */
void render_delivery(const struct delivery_entry *entry, json_object *object);
/* Adds an element: what one attempt sent for, and what came of it. */
void render_attempt(const struct attempt *attempt, json_object *array);

#endif
