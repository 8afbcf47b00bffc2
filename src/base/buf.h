/* A growing run of bytes, always followed by a NUL, and a borrowed view of one. */
#ifndef HOOKTURN_BASE_BUF_H
#define HOOKTURN_BASE_BUF_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

/* Borrowed bytes; not terminated. */
struct slice {
    const char *data;
    size_t length;
};

/* `{0}` or buf_init() is an empty one; `data` is NULL until something was appended. Growth moves `data`, and old
 * copies are cleansed before they are freed, so a secret never stays behind. */
struct buf {
    char *data;
    size_t length;
    size_t capacity;
};

void buf_init(struct buf *buf);
/* Cleanses, frees, and leaves an empty buffer that can be used again. */
void buf_clear(struct buf *buf);
/* Sets the length to 0 and keeps the memory. */
void buf_reset(struct buf *buf);
/* Room for `more` further bytes and a NUL. */
void buf_reserve(struct buf *buf, size_t more);
void buf_append(struct buf *buf, const void *bytes, size_t length);
void buf_append_text(struct buf *buf, const char *text);
void buf_append_slice(struct buf *buf, struct slice slice);
void buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
void buf_vprintf(struct buf *buf, const char *format, va_list arguments) PRINTF_LIKE(2, 0);
/* Never NULL: "" for an empty buffer. */
const char *buf_text(const struct buf *buf);
/* A view that lasts until the buffer changes. */
struct slice buf_slice(const struct buf *buf);

struct slice slice_of(const char *text);
bool slice_equals(struct slice slice, const char *text);
/* A terminated copy; the caller frees. */
char *slice_dup(struct slice slice);

#endif
