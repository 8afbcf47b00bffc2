/* Allocation for everybody. Running out of memory is not an expected outcome: nobody above could do better than to end,
 * and the store holds all or nothing, so the process that comes next goes on. */
#include "base/mem.h"

#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/log.h"

/* _exit: handlers at exit would run in the middle of whatever asked for the memory. */
static _Noreturn void exhausted(size_t size)
{
    log_error("out_of_memory", LOG_NUMBER("bytes", size > INT64_MAX ? INT64_MAX : size));
    _exit(EXIT_FAILURE);
}

void *mem_alloc(size_t size)
{
    void *memory = malloc(size ? size : 1);
    if (!memory)
        exhausted(size);
    return memory;
}

void *mem_calloc(size_t count, size_t size)
{
    bool is_empty = count == 0 || size == 0;
    void *memory = calloc(is_empty ? 1 : count, is_empty ? 1 : size);
    if (!memory)
        exhausted(size);
    return memory;
}

void *mem_realloc(void *old, size_t count, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(count, size, &total))
        exhausted(SIZE_MAX);
    void *memory = realloc(old, total ? total : 1);
    if (!memory)
        exhausted(total);
    return memory;
}

char *mem_strdup(const char *text)
{
    return mem_strndup(text, strlen(text));
}

char *mem_strndup(const char *text, size_t length)
{
    size_t used = strnlen(text, length);
    char *copy = mem_alloc(used + 1);
    memcpy(copy, text, used);
    copy[used] = '\0';
    return copy;
}

void *mem_check(void *memory)
{
    if (!memory)
        exhausted(0);
    return memory;
}

void mem_free_cleansed(void *memory, size_t size)
{
    if (!memory)
        return;
    crypto_cleanse(memory, size);
    free(memory);
}

void mem_free_cleansed_text(char *text)
{
    if (text)
        mem_free_cleansed(text, strlen(text));
}
