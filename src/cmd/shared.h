/* Memory that a parent and the children that it starts one after the other have in common. */
#ifndef HOOKTURN_CMD_SHARED_H
#define HOOKTURN_CMD_SHARED_H

#include <stddef.h>

/* Zeroed. NULL, after one line on stderr, where there is none. */
void *shared_new(size_t size);
void shared_free(void *memory, size_t size);

#endif
