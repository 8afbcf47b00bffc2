/* The file that `hookturn export FILE` makes. */
#include "cmd/export_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cmd/pump.h"

static enum status fail(const struct export_file *file, const char *what, struct failure *failure)
{
    enum status status = errno == EEXIST ? STATUS_EXISTS : status_of_errno();
    if (status == STATUS_EXISTS)
        failure_set(failure, "%s is there already: remove it, or choose another name", file->path);
    else
        failure_set(failure, "cannot %s %s: %s; choose a place that user %lu can write", what, file->path,
                    strerror(errno), (unsigned long)geteuid());
    return status;
}

/* What another export to the same name has left, or is writing now. Somebody else's file is not touched. */
static enum status clear_remains(const struct export_file *file, struct failure *failure)
{
    struct stat info;
    int fd = open(file->unfinished.data, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? STATUS_OK : fail(file, "write beside", failure);
    enum status status = STATUS_OK;
    if (fstat(fd, &info) != 0 || !S_ISREG(info.st_mode) || info.st_uid != geteuid()) {
        failure_set(failure, "%s is in the way, and not ours: choose another name", file->unfinished.data);
        status = STATUS_EXISTS;
    } else if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        failure_set(failure, "another export to %s is made just now: wait for it", file->path);
        status = STATUS_CONFLICT;
    } else if (unlink(file->unfinished.data) != 0) {
        status = fail(file, "write beside", failure);
    }
    close(fd);
    return status;
}

enum status export_file_begin(struct export_file *file, struct failure *failure)
{
    struct stat info;
    buf_printf(&file->unfinished, "%s.hookturn-unfinished", file->path);
    errno = EEXIST;
    enum status status = lstat(file->path, &info) == 0 ? fail(file, "make", failure) : clear_remains(file, failure);
    if (status == STATUS_OK) {
        file->fd = open(file->unfinished.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (file->fd < 0)
            status = fail(file, "make", failure);
    }
    if (status != STATUS_OK) {
        buf_clear(&file->unfinished);
        return status;
    }
    (void)flock(file->fd, LOCK_EX | LOCK_NB); /* nobody else can have it */
    file->bytes = 0;
    file->digest = crypto_digest_new();
    return STATUS_OK;
}

enum status export_file_write(void *context, struct slice bytes)
{
    struct export_file *file = context;
    crypto_digest_add(file->digest, bytes.data, bytes.length);
    file->bytes += bytes.length;
    enum status status = pump_write(file->fd, bytes);
    file->cause = status == STATUS_FULL || status == STATUS_IO ? errno : 0;
    return status;
}

/* What stands on the disk is what was written. */
static enum status verify(struct export_file *file, struct failure *failure)
{
    unsigned char digest[SHA256_BYTES];
    struct tree_sum sum;
    crypto_digest_end(file->digest, digest);
    file->digest = NULL;
    if (tree_sum_file(file->unfinished.data, &sum) != STATUS_OK)
        return fail(file, "read", failure);
    if (sum.bytes == file->bytes && memcmp(sum.digest, digest, sizeof digest) == 0)
        return STATUS_OK;
    failure_set(failure, "%s does not hold what was written to it: look after the disk", file->path);
    return STATUS_IO;
}

/* NFS and others cannot rename without replacing. A second name is never taken from another file either; the first one
 * goes at the end. */
static bool give_name(struct export_file *file)
{
    const char *from = file->unfinished.data;
    if (renameat2(AT_FDCWD, from, AT_FDCWD, file->path, RENAME_NOREPLACE) == 0) {
        buf_clear(&file->unfinished);
        return true;
    }
    return (errno == EINVAL || errno == ENOSYS) && link(from, file->path) == 0;
}

enum status export_file_finish(struct export_file *file, struct failure *failure)
{
    if (fsync(file->fd) != 0)
        return fail(file, "write", failure);
    enum status status = verify(file, failure);
    if (status != STATUS_OK)
        return status;
    if (!give_name(file))
        return fail(file, "finish", failure);
    return tree_sync_parent(file->path) == STATUS_OK ? STATUS_OK : fail(file, "sync", failure);
}

void export_file_end(struct export_file *file)
{
    unsigned char unused[SHA256_BYTES];
    if (file->unfinished.length > 0)
        unlink(file->unfinished.data);
    if (file->digest != NULL)
        crypto_digest_end(file->digest, unused);
    close(file->fd);
    buf_clear(&file->unfinished);
}
