/* JSON out: commas, quotes and escapes, nothing else. The renderers call it; nothing here can fail. */
#include "api/json_write.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/timestamp.h"

static void append_escaped(struct buf *out, unsigned char c)
{
    char text[8];
    if (c == '"' || c == '\\')
        snprintf(text, sizeof text, "\\%c", c);
    else
        snprintf(text, sizeof text, "\\u%04x", c);
    buf_append_text(out, text);
}

/* Runs that need no escape are appended at once. */
static void append_quoted(struct buf *out, const char *text)
{
    buf_append(out, "\"", 1);
    const char *start = text;
    for (; *text != '\0'; text++) {
        unsigned char c = (unsigned char)*text;
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(out, start, (size_t)(text - start));
        append_escaped(out, c);
        start = text + 1;
    }
    buf_append(out, start, (size_t)(text - start));
    buf_append(out, "\"", 1);
}

static void begin_value(struct json_writer *writer, const char *name)
{
    if (writer->needs_comma)
        buf_append(writer->out, ",", 1);
    if (name != NULL) {
        append_quoted(writer->out, name);
        buf_append(writer->out, ":", 1);
    }
    writer->needs_comma = true;
}

void json_write_open(struct json_writer *writer, const char *name, char bracket)
{
    begin_value(writer, name);
    buf_append(writer->out, &bracket, 1);
    writer->needs_comma = false;
}

void json_write_close(struct json_writer *writer, char bracket)
{
    buf_append(writer->out, &bracket, 1);
    writer->needs_comma = true;
}

void json_write_text(struct json_writer *writer, const char *name, const char *text)
{
    begin_value(writer, name);
    append_quoted(writer->out, text);
}

void json_write_integer(struct json_writer *writer, const char *name, int64_t value)
{
    begin_value(writer, name);
    buf_printf(writer->out, "%" PRId64, value);
}

void json_write_bool(struct json_writer *writer, const char *name, bool value)
{
    begin_value(writer, name);
    buf_append_text(writer->out, value ? "true" : "false");
}

void json_write_time(struct json_writer *writer, const char *name, int64_t time_ms)
{
    char text[TIMESTAMP_SIZE];
    timestamp_format(time_ms, text);
    json_write_text(writer, name, text);
}
