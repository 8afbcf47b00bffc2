/* The log: one line an event. It allocates nothing and is written with one write(2), so that it works without memory,
 * and lines of several processes never mix. Values may come from outside: what is not plain is quoted, escaped, cut. */
#include "base/log.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/timestamp.h"

enum { TEXT_MAX = 200, LINE_MAX_BYTES = 4096 };

static enum log_level lowest = LOG_LEVEL_INFO;
static int log_fd = STDERR_FILENO;
static char log_path[PATH_MAX]; /* "": stderr */
static int64_t bound_bytes;     /* 0: none */

static const char *const level_names[] = {
    [LOG_LEVEL_ERROR] = "error", [LOG_LEVEL_WARN] = "warn", [LOG_LEVEL_INFO] = "info", [LOG_LEVEL_DEBUG] = "debug"};

struct line {
    char bytes[LINE_MAX_BYTES];
    size_t length;
};

static int open_file(const char *path)
{
    return open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOCTTY, 0600);
}

enum status log_open(enum log_level level, const char *path, struct failure *failure)
{
    lowest = level;
    int fd = STDERR_FILENO;
    if (path && *path) {
        fd = open_file(path);
        if (fd < 0) {
            failure_set(failure, "cannot open the log file %s: %s; correct `log_file` in the configuration", path,
                        strerror(errno));
            return STATUS_IO;
        }
    }
    if (log_fd != STDERR_FILENO)
        close(log_fd);
    log_fd = fd;
    snprintf(log_path, sizeof log_path, "%s", fd == STDERR_FILENO ? "" : path);
    return STATUS_OK;
}

void log_bound(int64_t max_bytes)
{
    bound_bytes = max_bytes;
}

/* Several threads may come here at once: the second one finds a small file. The descriptor's number stays, so nobody
 * ever writes to one that is closed. */
static void turn_over_if_large(void)
{
    struct stat info;
    char old[PATH_MAX + 4];
    if (bound_bytes == 0 || !log_path[0] || fstat(log_fd, &info) != 0 || info.st_size < bound_bytes)
        return;
    snprintf(old, sizeof old, "%s.old", log_path);
    struct stat named;
    if (stat(log_path, &named) == 0 && named.st_ino == info.st_ino && rename(log_path, old) != 0)
        return;
    int fd = open_file(log_path);
    if (fd < 0)
        return;
    (void)dup3(fd, log_fd, O_CLOEXEC);
    close(fd);
}

/* Leaves room for the end of the line; what does not fit is dropped. */
static void add(struct line *line, const char *bytes, size_t length)
{
    size_t room = sizeof line->bytes - 1 - line->length;
    if (length > room)
        length = room;
    memcpy(line->bytes + line->length, bytes, length);
    line->length += length;
}

static void add_text(struct line *line, const char *text)
{
    add(line, text, strlen(text));
}

static bool is_plain(const char *text, size_t length)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.:/+-";
    return length > 0 && strspn(text, plain) >= length;
}

static void add_escaped(struct line *line, unsigned char byte)
{
    char escape[5];
    if (byte == '"' || byte == '\\')
        snprintf(escape, sizeof escape, "\\%c", byte);
    else if (byte < 0x20 || byte > 0x7e)
        snprintf(escape, sizeof escape, "\\x%02x", byte);
    else
        snprintf(escape, sizeof escape, "%c", byte);
    add_text(line, escape);
}

static void add_value(struct line *line, const char *text)
{
    size_t length = strnlen(text, TEXT_MAX);
    if (is_plain(text, length)) {
        add(line, text, length);
        return;
    }
    add_text(line, "\"");
    for (size_t i = 0; i < length; i++)
        add_escaped(line, (unsigned char)text[i]);
    add_text(line, "\"");
}

static void add_head(struct line *line, enum log_level level, const char *event)
{
    char time_text[TIMESTAMP_SIZE];
    timestamp_format(clock_now_ms(), time_text);
    char head[TIMESTAMP_SIZE + 64];
    snprintf(head, sizeof head, "time=%s level=%s pid=%ld event=", time_text, level_names[level], (long)getpid());
    add_text(line, head);
    add_value(line, event);
}

static void add_field(struct line *line, const struct log_field *field)
{
    char number[24];
    add_text(line, " ");
    add_text(line, field->key);
    add_text(line, "=");
    if (field->text) {
        add_value(line, field->text);
        return;
    }
    snprintf(number, sizeof number, "%lld", (long long)field->number);
    add_text(line, number);
}

void log_write(enum log_level level, const char *event, const struct log_field *fields)
{
    if (level > lowest)
        return;
    int kept_errno = errno;
    struct line line;
    line.length = 0;
    add_head(&line, level, event);
    for (; fields->key; fields++)
        add_field(&line, fields);
    line.bytes[line.length++] = '\n';
    ssize_t written;
    do /* a log that cannot be written is nobody's failure */
        written = write(log_fd, line.bytes, line.length);
    while (written < 0 && errno == EINTR);
    turn_over_if_large();
    errno = kept_errno;
}
