/* What stands in the environment's home beside Berkeley DB's and the gate's files:
 *     format   "hookturn-store 2", written last: its presence says that the store was made completely
 *     wake     the named pipe that publishers write to and workers poll */
#include "store/bdb/bdb_home.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "base/tree.h"
#include "store/bdb/gate_files.h"
#include "store/bdb/live.h"

#define FORMAT_WORD "hookturn-store "
enum { FORMAT_BYTES = 64, REGION_NAME = 16 };

char *bdb_home_path(const char *data_dir)
{
    return tree_path(data_dir, "store").data;
}

/* ---- making ---- */

enum status bdb_home_make(const char *home, struct failure *failure)
{
    if (mkdir(home, 0700) == 0)
        return STATUS_OK;
    if (errno != EEXIST) {
        failure_set(failure, "cannot make %s: %s", home, strerror(errno));
        return status_of_errno();
    }
    int format;
    enum status status = bdb_home_check(home, &format, NULL);
    if (status == STATUS_NOT_FOUND)
        failure_set(failure, "%s was left behind by an interrupted init: remove it and try again", home);
    else
        failure_set(failure, "%s is a store already", home);
    return STATUS_EXISTS;
}

static enum status write_synced(int directory, const char *name, const char *text)
{
    int fd = openat(directory, name, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_of_errno();
    size_t length = strlen(text);
    bool written = write(fd, text, length) == (ssize_t)length && fsync(fd) == 0;
    enum status status = written ? STATUS_OK : status_of_errno();
    close(fd);
    return status;
}

enum status bdb_home_mark(const char *home, struct failure *failure)
{
    char text[FORMAT_BYTES];
    snprintf(text, sizeof text, FORMAT_WORD "%d\n", BDB_HOME_FORMAT);
    int directory = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = directory < 0 ? status_of_errno() : write_synced(directory, "format.new", text);
    if (status == STATUS_OK && (renameat(directory, "format.new", directory, "format") != 0 || fsync(directory) != 0))
        status = status_of_errno();
    if (status != STATUS_OK)
        failure_set(failure, "cannot write %s/format: %s", home, strerror(errno));
    if (directory >= 0)
        close(directory);
    return status;
}

enum status bdb_home_finish(const char *home, struct failure *failure)
{
    struct buf pipe = tree_path(home, "wake");
    enum status status = mkfifo(pipe.data, 0600) == 0 ? STATUS_OK : status_of_errno();
    if (status != STATUS_OK)
        failure_set(failure, "cannot make %s: %s", pipe.data, strerror(errno));
    buf_clear(&pipe);
    return status == STATUS_OK ? bdb_home_mark(home, failure) : status;
}

/* ---- looking ---- */

static ssize_t read_format(const char *home, char text[FORMAT_BYTES])
{
    struct buf path = tree_path(home, "format");
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    buf_clear(&path);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, text, FORMAT_BYTES - 1);
    int cause = errno;
    close(fd);
    errno = cause;
    text[length < 0 ? 0 : length] = '\0';
    return length;
}

static enum status check_version(const char *text, int *out)
{
    if (strncmp(text, FORMAT_WORD, strlen(FORMAT_WORD)) != 0)
        return STATUS_CORRUPT;
    char *end;
    long version = strtol(text + strlen(FORMAT_WORD), &end, 10);
    if (strcmp(end, "\n") != 0 || version < 1)
        return STATUS_CORRUPT;
    if (version > BDB_HOME_FORMAT)
        return STATUS_VERSION;
    *out = (int)version;
    return STATUS_OK;
}

enum status bdb_home_check(const char *home, int *format, struct failure *failure)
{
    char text[FORMAT_BYTES];
    if (read_format(home, text) < 0) {
        if (errno == ENOENT) {
            failure_set(failure, "there is no store in %s: run `hookturn init`", home);
            return STATUS_NOT_FOUND;
        }
        failure_set(failure, "cannot read %s/format: %s", home, strerror(errno));
        return errno == EACCES ? STATUS_DENIED : STATUS_IO;
    }
    enum status status = check_version(text, format);
    if (status == STATUS_VERSION)
        failure_set(failure, "the store in %s was made by a newer hookturn: install that version", home);
    else if (status != STATUS_OK)
        failure_set(failure, "%s/format is damaged: restore a backup", home);
    return status;
}

enum status bdb_home_is_alone(const char *home, size_t own, struct failure *failure)
{
    struct live_census census = {0};
    struct buf path = tree_path(home, "live");
    int directory = open(path.data, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    buf_clear(&path);
    if (directory < 0)
        return STATUS_OK; /* the gate says what is wrong */
    enum status status = live_count(directory, &census);
    close(directory);
    if (status == STATUS_OK && census.alive > own) {
        failure_set(failure, "%zu other %s the store in %s open: stop them first", census.alive - own,
                    text_plural(census.alive - own, "process has", "processes have"), home);
        return STATUS_CONFLICT;
    }
    return status;
}

/* The file keeps its size: only blocks are set aside. False: there is no such file. */
static bool reserve_region(const char *home, int number, off_t bytes)
{
    char name[REGION_NAME];
    snprintf(name, sizeof name, "__db.%03d", number);
    struct buf path = tree_path(home, name);
    int fd = open(path.data, O_RDWR | O_CLOEXEC);
    buf_clear(&path);
    if (fd < 0)
        return false;
    if (fallocate(fd, FALLOC_FL_KEEP_SIZE, 0, bytes) != 0 && errno != EOPNOTSUPP && errno != ENOSYS)
        log_warn("store_region_reserve", LOG_TEXT("file", name), LOG_TEXT("cause", strerror(errno)));
    close(fd);
    return true;
}

void bdb_home_reserve_regions(const char *home, off_t bytes)
{
    int number = 1;
    while (reserve_region(home, number, bytes))
        number++;
}

int bdb_home_wake_open(const char *home)
{
    struct buf path = tree_path(home, "wake");
    int fd = open(path.data, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0 && errno == ENOENT && (mkfifo(path.data, 0600) == 0 || errno == EEXIST))
        fd = open(path.data, O_RDWR | O_NONBLOCK | O_CLOEXEC);
    buf_clear(&path);
    return fd;
}
