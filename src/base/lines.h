/* Lines of a stream, one at a time, in memory that is bounded by the longest of them. */
#ifndef HOOKTURN_BASE_LINES_H
#define HOOKTURN_BASE_LINES_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

/* Reads up to `size` bytes; *length is 0 at the end alone. Any status but STATUS_OK ends the reading. */
typedef enum status (*lines_read)(void *context, char *out, size_t size, size_t *length);

/* `{.read, .context, .max_length}` begins. */
struct lines {
    lines_read read;
    void *context;
    size_t max_length;
    struct buf buffer; /* the rest is private */
    size_t start;      /* of the next line */
    size_t looked;     /* so far there is no end of a line */
    bool is_at_end;
};

/* The next line with its newline, borrowed until the next call. STATUS_NOT_FOUND: there are no more. STATUS_LIMIT: it
 * is longer than max_length. STATUS_CORRUPT: the stream ends in the middle of it. Or what `read` returned. */
enum status lines_next(struct lines *lines, struct slice *out) MUST_USE;
/* What was read is cleansed. */
void lines_clear(struct lines *lines);

#endif
