/* JSON out, straight into a buffer: what holds a secret is in one place and is cleansed with it. */
#ifndef HOOKTURN_API_JSON_WRITE_H
#define HOOKTURN_API_JSON_WRITE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"

/* `{.out = &buffer}` starts a document. */
struct json_writer {
    struct buf *out;
    bool needs_comma;
};

/* `name` is the member's, NULL for an array's element or the outermost value. Texts are valid UTF-8. */
void json_write_open(struct json_writer *writer, const char *name, char bracket); /* '{' or '[' */
void json_write_close(struct json_writer *writer, char bracket);                  /* '}' or ']' */
void json_write_text(struct json_writer *writer, const char *name, const char *text);
void json_write_integer(struct json_writer *writer, const char *name, int64_t value);
void json_write_bool(struct json_writer *writer, const char *name, bool value);
/* RFC 3339, as a string. */
void json_write_time(struct json_writer *writer, const char *name, int64_t time_ms);

#endif
