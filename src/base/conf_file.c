/* Reads the configuration file into its lines; what the values mean is decided elsewhere (conf_value.c). */
#include "base/conf_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/encoding.h"
#include "base/mem.h"

static enum status fail_to_read(const char *path, int error, struct failure *failure)
{
    failure_set(failure, "cannot read %s: %s%s", path, strerror(error),
                error == ENOENT ? "; make one with `hookturn init`" : "");
    switch (error) {
    case ENOENT:
    case ENOTDIR:
        return STATUS_NOT_FOUND;
    case EACCES:
    case EPERM:
        return STATUS_DENIED;
    default:
        return STATUS_IO;
    }
}

/* 0, or errno. Stops behind the largest allowed size. */
static int read_all(int fd, struct buf *out)
{
    char chunk[4096];
    while (out->length <= CONF_FILE_MAX_BYTES) {
        ssize_t length = read(fd, chunk, sizeof chunk);
        if (length < 0 && errno != EINTR) {
            return errno;
        }
        if (length == 0) {
            return 0;
        }
        if (length > 0) {
            buf_append(out, chunk, (size_t)length);
        }
    }
    return 0;
}

enum status conf_file_read(const char *path, struct buf *out, struct failure *failure)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY);
    if (fd < 0) {
        return fail_to_read(path, errno, failure);
    }
    int error = read_all(fd, out);
    close(fd);
    if (error != 0) {
        return fail_to_read(path, error, failure);
    }
    if (out->length > CONF_FILE_MAX_BYTES) {
        failure_set(failure, "%s is larger than 1 MiB, so it is no configuration of hookturn", path);
        return STATUS_INVALID;
    }
    return STATUS_OK;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

static struct slice trim(struct slice text)
{
    while (text.length > 0 && is_space(text.data[0])) {
        text.data++;
        text.length--;
    }
    while (text.length > 0 && is_space(text.data[text.length - 1])) {
        text.length--;
    }
    return text;
}

/* A `#` begins a comment at the line's start and behind white space: it may stand within a value. */
static struct slice without_comment(struct slice line)
{
    for (size_t at = 0; at < line.length; at++) {
        if (line.data[at] == '#' && (at == 0 || is_space(line.data[at - 1]))) {
            return (struct slice){line.data, at};
        }
    }
    return line;
}

/* ---- lines ---- */

struct walk {
    const char *path;
    int line;
    conf_line_taker take;
    void *context;
};

static enum status take_line(const struct walk *walk, struct slice line, struct failure *failure)
{
    if (memchr(line.data, '\0', line.length) != NULL || !utf8_is_valid(line.data, line.length)) {
        failure_set(failure, "%s:%d: the line holds a NUL or is not valid UTF-8", walk->path, walk->line);
        return STATUS_INVALID;
    }
    line = trim(without_comment(line));
    if (line.length == 0) {
        return STATUS_OK;
    }
    const char *equals = memchr(line.data, '=', line.length);
    if (equals == NULL || equals == line.data) {
        failure_set(failure, "%s:%d: the line is neither `key = value` nor a comment (#)", walk->path, walk->line);
        return STATUS_INVALID;
    }
    size_t name_length = (size_t)(equals - line.data);
    struct failure reason;
    enum status status = walk->take(walk->context, walk->line, trim((struct slice){line.data, name_length}),
                                    trim((struct slice){equals + 1, line.length - name_length - 1}), &reason);
    if (status != STATUS_OK) {
        failure_set(failure, "%s:%d: %s", walk->path, walk->line, reason.text);
    }
    return status;
}

enum status conf_file_walk(const char *path, struct slice text, conf_line_taker take, void *context,
                           struct failure *failure)
{
    static const char byte_order_mark[] = "\xef\xbb\xbf";
    struct walk walk = {.path = path, .line = 1, .take = take, .context = context};
    enum status status = STATUS_OK;
    if (text.length >= 3 && memcmp(text.data, byte_order_mark, 3) == 0) {
        text = (struct slice){text.data + 3, text.length - 3};
    }
    for (; text.length > 0 && status == STATUS_OK; walk.line++) {
        const char *newline = memchr(text.data, '\n', text.length);
        size_t length = newline == NULL ? text.length : (size_t)(newline - text.data);
        status = take_line(&walk, (struct slice){text.data, length}, failure);
        size_t taken = newline == NULL ? length : length + 1;
        text = (struct slice){text.data + taken, text.length - taken};
    }
    return status;
}

/* ---- the configuration's ---- */

static enum status refuse_key(const char *name, struct failure *failure)
{
    const char *near = conf_key_suggest(name);
    if (near != NULL) {
        failure_set(failure, "%.60s: unknown key; did you mean %s?", name, near);
    } else {
        failure_set(failure, "%.60s: unknown key", name);
    }
    return STATUS_INVALID;
}

/* Of a key that stands twice the last counts, so that a script may append what it wants. */
static enum status take_value(void *context, int line, struct slice name, struct slice value, struct failure *failure)
{
    struct conf_file *out = context;
    char *text = slice_dup(name);
    int key = conf_key_find(text);
    enum status status = key < 0 ? refuse_key(text, failure) : STATUS_OK;
    free(text);
    if (status == STATUS_OK) {
        free(out->values[key].text);
        out->values[key].text = slice_dup(value);
        out->values[key].line = line;
    }
    return status;
}

enum status conf_file_parse(const char *path, struct slice text, struct conf_file *out, struct failure *failure)
{
    *out = (struct conf_file){0};
    return conf_file_walk(path, text, take_value, out, failure);
}

void conf_file_clear(struct conf_file *file)
{
    for (int i = 0; i < CONF_KEYS_MAX; i++) {
        free(file->values[i].text);
    }
    *file = (struct conf_file){0};
}
