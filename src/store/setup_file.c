/* Reading, checking and removing the setup file. */
#include "store/setup_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/conf_file.h"
#include "model/api_key.h"

enum { FILE_MAX_BYTES = 8192 };

/* ---- what stands in it ---- */

static enum status refuse(struct failure *failure, const char *reason)
{
    failure_set(failure, "%s", reason);
    return STATUS_INVALID;
}

static enum status take_organization(struct setup_file *out, const char *value, struct failure *failure)
{
    if (uuid_parse(value, &out->organization_id) != STATUS_OK)
        return refuse(failure, "organization needs a UUID, 36 characters such as 01234567-89ab-4def-8123-456789abcdef");
    return STATUS_OK;
}

static enum status take_key(struct setup_file *out, const char *value, struct failure *failure)
{
    const char *fault = api_key_fault(value, strlen(value));
    if (fault) {
        failure_set(failure, "the key %s", fault);
        return STATUS_INVALID;
    }
    buf_reset(&out->key);
    buf_append_text(&out->key, value);
    return STATUS_OK;
}

static enum status take_scopes(struct setup_file *out, const char *value, struct failure *failure)
{
    out->scopes = api_scopes_parse(value);
    return out->scopes != 0
               ? STATUS_OK
               : refuse(failure,
                        "scopes needs some of manage,read,publish,operate with commas, and no spaces, between");
}

enum { ORGANIZATION, KEY, SCOPES, SETTINGS };

static const struct {
    const char *name;
    enum status (*take)(struct setup_file *out, const char *value, struct failure *failure);
} settings[SETTINGS] = {
    [ORGANIZATION] = {"organization", take_organization},
    [KEY] = {"key", take_key},
    [SCOPES] = {"scopes", take_scopes},
};

struct reading {
    struct setup_file *out;
    bool has[SETTINGS];
};

static enum status take_setting(void *context, int line, struct slice name, struct slice value, struct failure *failure)
{
    struct reading *reading = context;
    (void)line;
    for (size_t i = 0; i < SETTINGS; i++) {
        if (!slice_equals(name, settings[i].name))
            continue;
        struct buf text = {0};
        buf_append_slice(&text, value);
        reading->has[i] = true;
        enum status status = settings[i].take(reading->out, buf_text(&text), failure);
        buf_clear(&text);
        return status;
    }
    return refuse(failure, "this is none of organization, key and scopes");
}

enum status setup_file_parse(const char *path, struct slice text, struct setup_file *out, struct failure *failure)
{
    struct reading reading = {.out = out};
    *out = (struct setup_file){.scopes = API_SCOPE_MANAGE | API_SCOPE_READ | API_SCOPE_PUBLISH};
    enum status status = conf_file_walk(path, text, take_setting, &reading, failure);
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < SCOPES; i++) {
        if (!reading.has[i]) {
            failure_set(failure, "%s: there is no line that begins with `%s =`", path, settings[i].name);
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

void setup_file_clear(struct setup_file *setup)
{
    buf_clear(&setup->key);
}

/* ---- the file ---- */

static enum status fail(const char *path, const char *what, struct failure *failure)
{
    failure_set(failure, "cannot %s %s: %s", what, path, strerror(errno));
    return STATUS_IO;
}

/* Whoever else could read it has the key; whoever else could write it chose it. */
static enum status check_file(const char *path, const struct stat *info, struct failure *failure)
{
    if (!S_ISREG(info->st_mode) || info->st_nlink != 1)
        failure_set(failure, "%s must be a file of its own, without links to it", path);
    else if (info->st_uid != geteuid())
        failure_set(failure, "%s belongs to user %lu, not to the user that runs this (%lu)", path,
                    (unsigned long)info->st_uid, (unsigned long)geteuid());
    else if (info->st_mode & (S_IRWXG | S_IRWXO))
        failure_set(failure, "other users could read %s: choose another key, and give the file the permissions 600",
                    path);
    else if (info->st_size > FILE_MAX_BYTES)
        failure_set(failure, "%s is larger than 8 KiB", path);
    else
        return STATUS_OK;
    return STATUS_DENIED;
}

/* False: errno says why. No more than the limit, whatever is appended meanwhile. */
static bool read_all(int fd, struct buf *out)
{
    char chunk[1024];
    ssize_t length;
    do {
        length = read(fd, chunk, sizeof chunk);
        if (length > 0)
            buf_append(out, chunk, (size_t)length);
    } while (out->length <= FILE_MAX_BYTES && (length > 0 || (length < 0 && errno == EINTR)));
    crypto_cleanse(chunk, sizeof chunk);
    return length >= 0;
}

enum status setup_file_read(const char *path, struct setup_file *out, struct failure *failure)
{
    struct stat info;
    struct buf text = {0};
    *out = (struct setup_file){0};
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (fd < 0 && errno == ELOOP) {
        failure_set(failure, "%s must be a file of its own, not a link to one", path);
        return STATUS_DENIED;
    }
    if (fd < 0)
        return fail(path, "read", failure);
    enum status status = fstat(fd, &info) == 0 ? check_file(path, &info, failure) : fail(path, "read", failure);
    if (status == STATUS_OK && !read_all(fd, &text))
        status = fail(path, "read", failure);
    if (status == STATUS_OK)
        status = setup_file_parse(path, buf_slice(&text), out, failure);
    buf_clear(&text);
    close(fd);
    return status;
}

/* As far as it can be: what comes of it changes nothing. */
static void overwrite(const char *path)
{
    static const char nothing[FILE_MAX_BYTES];
    struct stat info;
    int fd = open(path, O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    if (fstat(fd, &info) == 0 && S_ISREG(info.st_mode) && info.st_size <= FILE_MAX_BYTES)
        (void)(pwrite(fd, nothing, (size_t)info.st_size, 0) > 0 && fsync(fd) == 0);
    close(fd);
}

enum status setup_file_remove(const char *path, struct failure *failure)
{
    overwrite(path);
    return unlink(path) == 0 || errno == ENOENT ? STATUS_OK : fail(path, "remove", failure);
}
