/* Directories and files as a whole. */
#include "base/tree.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

enum { PIECE_BYTES = 256 * 1024 };

struct buf tree_path(const char *directory, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", directory, name);
    return path;
}

static enum status status_of_path(void)
{
    return errno == ENOENT ? STATUS_NOT_FOUND : errno == EEXIST ? STATUS_EXISTS : status_of_errno();
}

static void close_keeping_errno(int fd)
{
    int cause = errno;
    if (fd >= 0)
        close(fd);
    errno = cause;
}

/* ---- directories ---- */

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* A stream of its own over the directory below `fd`; NULL where that fails. */
static DIR *open_stream(int fd, const char *name)
{
    int stream_fd = openat(fd, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    DIR *stream = stream_fd >= 0 ? fdopendir(stream_fd) : NULL;
    if (!stream)
        close_keeping_errno(stream_fd);
    return stream;
}

static void remove_contents(DIR *stream)
{
    for (const struct dirent *entry; (entry = readdir(stream));)
        if (!is_dots(entry->d_name))
            tree_remove(dirfd(stream), entry->d_name);
}

void tree_remove(int directory, const char *name)
{
    DIR *stream = open_stream(directory, name);
    if (!stream) {
        unlinkat(directory, name, 0);
        return;
    }
    remove_contents(stream);
    closedir(stream);
    unlinkat(directory, name, AT_REMOVEDIR);
}

enum status tree_take(const char *path, int *out_fd)
{
    if (mkdir(path, 0700) != 0 && errno != EEXIST)
        return status_of_path();
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return status_of_path();
    DIR *stream = NULL;
    enum status status = flock(fd, LOCK_EX | LOCK_NB) == 0 ? STATUS_OK : STATUS_CONFLICT;
    if (status == STATUS_OK && (fchmod(fd, 0700) != 0 || !(stream = open_stream(fd, "."))))
        status = status_of_path();
    if (stream) {
        remove_contents(stream);
        closedir(stream);
    }
    if (status == STATUS_OK)
        *out_fd = fd;
    else
        close_keeping_errno(fd);
    return status;
}

bool tree_is_free(const char *path)
{
    DIR *stream = opendir(path);
    if (!stream)
        return errno == ENOENT || errno == EACCES; /* the latter is told by who tries to make it */
    bool is_empty = true;
    for (const struct dirent *entry; is_empty && (entry = readdir(stream));)
        is_empty = is_dots(entry->d_name);
    closedir(stream);
    return is_empty;
}

enum status tree_sync(const char *directory)
{
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    enum status status = fd >= 0 && fsync(fd) == 0 ? STATUS_OK : status_of_path();
    close_keeping_errno(fd);
    return status;
}

enum status tree_sync_parent(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = !slash          ? mem_strdup(".")
                      : slash == path ? mem_strdup("/")
                                      : mem_strndup(path, (size_t)(slash - path));
    enum status status = tree_sync(directory);
    int cause = errno;
    free(directory);
    errno = cause;
    return status;
}

/* ---- files ---- */

bool tree_write_all(int fd, struct slice bytes)
{
    for (size_t done = 0; done < bytes.length;) {
        ssize_t written = write(fd, bytes.data + done, bytes.length - done);
        if (written < 0 && errno != EINTR)
            return false;
        if (written > 0)
            done += (size_t)written;
    }
    return true;
}

/* Reads all of `from`, and writes it to `to` where that is not -1. */
static bool pour(int from, int to, struct tree_sum *out)
{
    char *piece = mem_alloc(PIECE_BYTES);
    struct crypto_digest *digest = crypto_digest_new();
    ssize_t got;
    out->bytes = 0;
    do {
        got = read(from, piece, PIECE_BYTES);
        if (got > 0) {
            crypto_digest_add(digest, piece, (size_t)got);
            out->bytes += (size_t)got;
        }
        if (got > 0 && to >= 0 && !tree_write_all(to, (struct slice){piece, (size_t)got}))
            break;
    } while (got > 0 || (got < 0 && errno == EINTR));
    int cause = errno;
    crypto_digest_end(digest, out->digest);
    free(piece);
    errno = cause;
    return got == 0;
}

/* O_NONBLOCK: a pipe in its place must not hang us. */
static int open_regular(const char *path)
{
    struct stat info;
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))) {
        close(fd);
        errno = EINVAL;
        return -1;
    }
    return fd;
}

enum status tree_copy_file(const char *from, const char *to, struct tree_sum *out)
{
    struct tree_sum sum;
    int source = open_regular(from);
    int target = source < 0 ? -1 : open(to, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    enum status status = target < 0 ? status_of_path() : STATUS_OK;
    if (status == STATUS_OK && (!pour(source, target, &sum) || fsync(target) != 0))
        status = status_of_path();
    close_keeping_errno(target);
    close_keeping_errno(source);
    if (status == STATUS_OK && out)
        *out = sum;
    return status;
}

enum status tree_sum_file(const char *path, struct tree_sum *out)
{
    struct tree_sum sum;
    int fd = open_regular(path);
    enum status status = fd >= 0 && fsync(fd) == 0 && pour(fd, -1, &sum) ? STATUS_OK : status_of_path();
    close_keeping_errno(fd);
    if (status == STATUS_OK)
        *out = sum;
    return status;
}
