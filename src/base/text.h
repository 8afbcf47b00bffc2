/* Guessing what somebody meant to type. */
#ifndef HOOKTURN_BASE_TEXT_H
#define HOOKTURN_BASE_TEXT_H

#include "base/buf.h"

/* The name within two edits (a character more, less or another) of `text`, the first of the nearest; without data where
 * there is none. `name_at` gives the names by index; behind the last one without data. */
struct slice text_nearest(const char *text, struct slice (*name_at)(const void *context, size_t index),
                          const void *context);

#endif
