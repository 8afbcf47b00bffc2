/* Lines of a stream. What an import reads comes through here, so the bound on a line is the bound on its memory. */
#include "base/lines.h"

#include <string.h>

enum { READ_BYTES = 64 * 1024 };

/* Moves what is not used yet to the front, and reads more behind it. */
static enum status fill(struct lines *lines)
{
    struct buf *buffer = &lines->buffer;
    size_t length = 0;
    if (lines->start > 0) {
        memmove(buffer->data, buffer->data + lines->start, buffer->length - lines->start);
        buffer->length -= lines->start;
        lines->looked -= lines->start;
        lines->start = 0;
    }
    buf_reserve(buffer, READ_BYTES);
    enum status status = lines->read(lines->context, buffer->data + buffer->length, READ_BYTES, &length);
    if (status != STATUS_OK)
        return status;
    buffer->length += length;
    buffer->data[buffer->length] = '\0';
    lines->is_at_end = length == 0;
    return STATUS_OK;
}

/* The newline that ends the next line; NULL: it is not there yet. */
static const char *find_end(struct lines *lines)
{
    const struct buf *buffer = &lines->buffer;
    if (lines->looked == buffer->length)
        return NULL;
    const char *end = memchr(buffer->data + lines->looked, '\n', buffer->length - lines->looked);
    lines->looked = end != NULL ? (size_t)(end - buffer->data) : buffer->length;
    return end;
}

enum status lines_next(struct lines *lines, struct slice *out)
{
    const char *end;
    while ((end = find_end(lines)) == NULL) {
        size_t length = lines->buffer.length - lines->start;
        if (lines->is_at_end)
            return length > 0 ? STATUS_CORRUPT : STATUS_NOT_FOUND;
        if (length > lines->max_length)
            return STATUS_LIMIT;
        enum status status = fill(lines);
        if (status != STATUS_OK)
            return status;
    }
    const char *start = lines->buffer.data + lines->start;
    *out = (struct slice){start, (size_t)(end - start) + 1};
    lines->looked++;
    lines->start = lines->looked;
    return out->length - 1 <= lines->max_length ? STATUS_OK : STATUS_LIMIT;
}

void lines_clear(struct lines *lines)
{
    buf_clear(&lines->buffer);
    lines->start = lines->looked = 0;
    lines->is_at_end = false;
}
