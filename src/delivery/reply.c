/* The receiving half of an exchange. Everything here was written by a stranger: it is counted before it is kept. */
#include "delivery/reply.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "model/delivery.h"

void reply_init(struct reply *reply)
{
    *reply = (struct reply){.retry_after_ms = -1};
}

void reply_clear(struct reply *reply)
{
    buf_clear(&reply->headers);
    buf_clear(&reply->body);
    reply_init(reply);
}

static size_t line_length(const char *line, size_t length)
{
    while (length > 0 && (line[length - 1] == '\n' || line[length - 1] == '\r'))
        length--;
    return length;
}

/* "HTTP/1.1 204 No Content"; 0 where the line is no such thing. */
static int parse_status_line(const char *line, size_t length)
{
    if (length < 12 || memcmp(line, "HTTP/", 5) != 0)
        return 0;
    const char *space = memchr(line, ' ', length);
    if (!space || (size_t)(line + length - space) < 4)
        return 0;
    int status = 0;
    for (const char *digit = space + 1; digit <= space + 3; digit++) {
        if (*digit < '0' || *digit > '9')
            return 0;
        status = status * 10 + (*digit - '0');
    }
    return status;
}

/* Interim responses (1xx) come first; only the last one's headers are of interest. */
static void begin_response(struct reply *reply, int status)
{
    reply->status = status;
    reply->has_begun = true;
    reply->retry_after_ms = -1;
    buf_reset(&reply->headers);
}

static void note_retry_after(struct reply *reply, const char *value, size_t length)
{
    while (length > 0 && (*value == ' ' || *value == '\t')) {
        value++;
        length--;
    }
    while (length > 0 && (value[length - 1] == ' ' || value[length - 1] == '\t'))
        length--;
    reply->retry_after_ms = retry_after_parse(value, length, clock_now_ms());
}

static void keep_header(struct reply *reply, const char *line, size_t length)
{
    static const char retry_after[] = "Retry-After";
    const char *colon = memchr(line, ':', length);
    if (!colon || colon == line || *line == ' ' || *line == '\t')
        return;
    size_t name_length = (size_t)(colon - line);
    if (name_length == sizeof(retry_after) - 1 && strncasecmp(line, retry_after, name_length) == 0)
        note_retry_after(reply, colon + 1, length - name_length - 1);
    if (reply->headers.length + length + 2 > ATTEMPT_HEADERS_KEPT)
        return;
    buf_append(&reply->headers, line, length);
    buf_append(&reply->headers, "\r\n", 2);
}

size_t reply_take_line(char *line, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t taken = size * count;
    size_t length = line_length(line, taken);
    reply->headers_read += taken;
    if (reply->headers_read > REPLY_HEADERS_READ) {
        reply->is_flooding = true;
        return 0;
    }
    if (reply->is_final) /* a trailer */
        return taken;
    if (!reply->has_begun) {
        int status = parse_status_line(line, length);
        if (status > 0)
            begin_response(reply, status);
        return taken;
    }
    if (length == 0) {
        reply->has_begun = false;
        reply->is_final = reply->status >= 200;
        return taken;
    }
    keep_header(reply, line, length);
    return taken;
}

size_t reply_take_body(char *bytes, size_t size, size_t count, void *context)
{
    struct reply *reply = context;
    size_t length = size * count;
    size_t room = ATTEMPT_BODY_KEPT - reply->body.length;
    if (room > 0)
        buf_append(&reply->body, bytes, length < room ? length : room);
    reply->body_read += length;
    reply->is_cut = reply->body_read >= REPLY_BODY_READ;
    return reply->is_cut ? 0 : length;
}
