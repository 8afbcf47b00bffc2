/* Allocation that cannot fail: without memory the process logs one line and exits; the store rolls back. */
#ifndef HOOKTURN_BASE_MEM_H
#define HOOKTURN_BASE_MEM_H

#include <stddef.h>

/* Like malloc, calloc, realloc, strdup and strndup; never NULL. The caller frees with free() or mem_free_cleansed().
 * A size of 0 gives a pointer that may be freed. `count * size` is checked for overflow. */
void *mem_alloc(size_t size);
void *mem_calloc(size_t count, size_t size);
void *mem_realloc(void *old, size_t count, size_t size);
char *mem_strdup(const char *text);
char *mem_strndup(const char *text, size_t length);
/* The same end for what a library allocates: `memory`, which is not NULL on return. */
void *mem_check(void *memory);

/* Overwrites `size` bytes, then frees. NULL is ignored. For whatever held a secret. */
void mem_free_cleansed(void *memory, size_t size);
/* The same for a terminated string. */
void mem_free_cleansed_text(char *text);

#endif
