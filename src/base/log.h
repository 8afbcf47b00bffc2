/* One line an event, key=value pairs: time, level, pid, event, then the fields. Text fields are quoted where they hold
 * anything but [A-Za-z0-9_.:/+-], escaped (\" \\ \xHH), and cut at 200 bytes. A line is one write(2). */
#ifndef HOOKTURN_BASE_LOG_H
#define HOOKTURN_BASE_LOG_H

#include <stdint.h>

#include "base/status.h"

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go: `path` (appended to, made 0600) or stderr where it is NULL or "". Before the first call: stderr,
 * info. STATUS_IO with a failure text when the file cannot be opened; stderr stays in use then. */
enum status log_open(enum log_level level, const char *path, struct failure *failure);

/* Keeps the file of log_open to about `max_bytes`: one that has grown beyond that gets the name PATH.old, in place of
 * the one that had it before, and a new one is begun. For a file that nobody else looks after. */
void log_bound(int64_t max_bytes);

struct log_field {
    const char *key;  /* NULL ends the list */
    const char *text; /* NULL: `number` is the value */
    int64_t number;
};

/* A function, so that arrays and NULL may stand there without a compiler's remark. */
static inline const char *log_text_or_empty(const char *text)
{
    return text ? text : "";
}

#define LOG_TEXT(key, value) ((struct log_field){(key), log_text_or_empty(value), 0})
#define LOG_NUMBER(key, value) ((struct log_field){(key), NULL, (int64_t)(value)})

void log_write(enum log_level level, const char *event, const struct log_field *fields);

#define LOG_FIELDS(...) ((const struct log_field[]){__VA_ARGS__, {NULL, NULL, 0}})
#define log_error(event, ...) log_write(LOG_LEVEL_ERROR, (event), LOG_FIELDS(__VA_ARGS__))
#define log_warn(event, ...) log_write(LOG_LEVEL_WARN, (event), LOG_FIELDS(__VA_ARGS__))
#define log_info(event, ...) log_write(LOG_LEVEL_INFO, (event), LOG_FIELDS(__VA_ARGS__))
#define log_debug(event, ...) log_write(LOG_LEVEL_DEBUG, (event), LOG_FIELDS(__VA_ARGS__))

#endif
