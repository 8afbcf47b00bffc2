/* Growing bytes. Bodies, records, answers and secrets all pass through these, so memory is cleansed before it is given
 * back. */
#include "base/buf.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "base/mem.h"

enum { FIRST_CAPACITY = 64 };

void buf_init(struct buf *buf)
{
    *buf = (struct buf){0};
}

void buf_clear(struct buf *buf)
{
    mem_free_cleansed(buf->data, buf->capacity);
    buf_init(buf);
}

void buf_reset(struct buf *buf)
{
    buf->length = 0;
    if (buf->data)
        buf->data[0] = '\0';
}

/* At least twice the old capacity, so that many small appends stay linear. */
static size_t next_capacity(const struct buf *buf, size_t needed)
{
    size_t capacity = buf->capacity ? buf->capacity : FIRST_CAPACITY / 2;
    if (capacity > SIZE_MAX / 2 || capacity * 2 < needed)
        return needed;
    return capacity * 2;
}

void buf_reserve(struct buf *buf, size_t more)
{
    size_t needed;
    if (__builtin_add_overflow(buf->length, more, &needed) || __builtin_add_overflow(needed, 1, &needed))
        needed = SIZE_MAX; /* which the allocator refuses, with its one line */
    if (needed <= buf->capacity)
        return;
    size_t capacity = next_capacity(buf, needed);
    char *data = mem_alloc(capacity); /* no realloc: it would leave the old bytes behind */
    if (buf->length > 0)
        memcpy(data, buf->data, buf->length);
    data[buf->length] = '\0';
    mem_free_cleansed(buf->data, buf->capacity);
    buf->data = data;
    buf->capacity = capacity;
}

void buf_append(struct buf *buf, const void *bytes, size_t length)
{
    buf_reserve(buf, length);
    if (length > 0)
        memcpy(buf->data + buf->length, bytes, length);
    buf->length += length;
    buf->data[buf->length] = '\0';
}

void buf_append_text(struct buf *buf, const char *text)
{
    buf_append(buf, text, strlen(text));
}

void buf_append_slice(struct buf *buf, struct slice slice)
{
    buf_append(buf, slice.data, slice.length);
}

enum { PRINTF_GUESS = 128 };

void buf_vprintf(struct buf *buf, const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    buf_reserve(buf, PRINTF_GUESS);
    size_t room = buf->capacity - buf->length;
    int length = vsnprintf(buf->data + buf->length, room, format, arguments);
    if (length >= 0 && (size_t)length >= room) {
        buf_reserve(buf, (size_t)length);
        vsnprintf(buf->data + buf->length, (size_t)length + 1, format, again);
    }
    if (length > 0)
        buf->length += (size_t)length;
    va_end(again);
}

void buf_printf(struct buf *buf, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(buf, format, arguments);
    va_end(arguments);
}

const char *buf_text(const struct buf *buf)
{
    return buf->data ? buf->data : "";
}

struct slice buf_slice(const struct buf *buf)
{
    return (struct slice){buf_text(buf), buf->length};
}

struct slice slice_of(const char *text)
{
    return (struct slice){text, strlen(text)};
}

bool slice_equals(struct slice slice, const char *text)
{
    return slice.length == strlen(text) && (slice.length == 0 || memcmp(slice.data, text, slice.length) == 0);
}

/* Not mem_strndup: that stops at a NUL within the bytes, this copies all of them. */
char *slice_dup(struct slice slice)
{
    char *copy = mem_alloc(slice.length + 1);
    if (slice.length > 0)
        memcpy(copy, slice.data, slice.length);
    copy[slice.length] = '\0';
    return copy;
}
