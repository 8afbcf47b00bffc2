/* The C library's functions that reach the disk, for everybody in the program, Berkeley DB included: a name that a
 * program defines itself is the one that its libraries find. Only regular files fail, and what the log and the answer
 * go to does not. */
#include <errno.h>
#include <fcntl.h>
#include <linux/magic.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "fault.h"

/* ---- writing ---- */

static atomic_bool is_full;

static bool write_fails(int fd)
{
    struct stat stat_buffer;
    if (fd <= STDERR_FILENO || fstat(fd, &stat_buffer) != 0 || !S_ISREG(stat_buffer.st_mode) ||
        !fault_is_due(FAULT_WRITE))
        return false;
    errno = ENOSPC;
    return true;
}

/* The first half still fits; the next write, in whichever thread, does not fit at all. */
static size_t fitting(int fd, size_t length)
{
    struct stat stat_buffer;
    if (fd <= STDERR_FILENO || length < 2 || fstat(fd, &stat_buffer) != 0 || !S_ISREG(stat_buffer.st_mode))
        return length;
    if (atomic_exchange(&is_full, false))
        return 0;
    if (!fault_is_due(FAULT_SHORT))
        return length;
    atomic_store(&is_full, true);
    return length / 2;
}

ssize_t write(int fd, const void *bytes, size_t length)
{
    size_t size = fitting(fd, length);
    if (size == 0 && length > 0)
        errno = ENOSPC;
    return write_fails(fd) || (size == 0 && length > 0) ? -1 : syscall(SYS_write, fd, bytes, size);
}

ssize_t pwrite(int fd, const void *bytes, size_t length, off_t at)
{
    size_t size = fitting(fd, length);
    if (size == 0 && length > 0)
        errno = ENOSPC;
    return write_fails(fd) || (size == 0 && length > 0) ? -1 : syscall(SYS_pwrite64, fd, bytes, size, at);
}

int fallocate(int fd, int mode, off_t at, off_t length)
{
    return write_fails(fd) ? -1 : (int)syscall(SYS_fallocate, fd, mode, at, length);
}

int ftruncate(int fd, off_t length)
{
    return write_fails(fd) ? -1 : (int)syscall(SYS_ftruncate, fd, length);
}

int posix_fallocate(int fd, off_t at, off_t length)
{
    return write_fails(fd) || syscall(SYS_fallocate, fd, 0, at, length) != 0 ? errno : 0;
}

/* ---- syncing ---- */

static bool sync_fails(void)
{
    if (!fault_is_due(FAULT_SYNC))
        return false;
    errno = EIO;
    return true;
}

int fsync(int fd)
{
    return sync_fails() ? -1 : (int)syscall(SYS_fsync, fd);
}

int fdatasync(int fd)
{
    return sync_fails() ? -1 : (int)syscall(SYS_fdatasync, fd);
}

/* ---- changing a directory ---- */

static bool change_fails(void)
{
    if (!fault_is_due(FAULT_CHANGE))
        return false;
    errno = EIO;
    return true;
}

int mkdirat(int directory, const char *path, mode_t mode)
{
    return change_fails() ? -1 : (int)syscall(SYS_mkdirat, directory, path, mode);
}

int mkdir(const char *path, mode_t mode)
{
    return mkdirat(AT_FDCWD, path, mode);
}

int mkfifo(const char *path, mode_t mode)
{
    return change_fails() ? -1 : (int)syscall(SYS_mknodat, AT_FDCWD, path, S_IFIFO | mode, 0);
}

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    return change_fails() ? -1 : (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
}

int renameat(int from_dir, const char *from, int to_dir, const char *to)
{
    return renameat2(from_dir, from, to_dir, to, 0);
}

int rename(const char *from, const char *to)
{
    return renameat2(AT_FDCWD, from, AT_FDCWD, to, 0);
}

int linkat(int from_dir, const char *from, int to_dir, const char *to, int flags)
{
    return change_fails() ? -1 : (int)syscall(SYS_linkat, from_dir, from, to_dir, to, flags);
}

int unlinkat(int directory, const char *path, int flags)
{
    return change_fails() ? -1 : (int)syscall(SYS_unlinkat, directory, path, flags);
}

int unlink(const char *path)
{
    return unlinkat(AT_FDCWD, path, 0);
}

/* ---- locking ---- */

int flock(int fd, int operation)
{
    if (fault_is_due(FAULT_LOCK)) {
        errno = ENOLCK;
        return -1;
    }
    return (int)syscall(SYS_flock, fd, operation);
}

/* ---- the file system ---- */

int statfs(const char *path, struct statfs *out)
{
    int result = (int)syscall(SYS_statfs, path, out);
    if (result == 0 && getenv("HOOKTURN_FAULT_NETWORK"))
        out->f_type = NFS_SUPER_MAGIC;
    return result;
}

/* ---- opening ---- */

static bool is_the_systems(const char *path)
{
    static const char *const places[] = {"/proc/", "/etc/", "/usr/", "/lib/", "/dev/", "/sys/"};
    for (size_t i = 0; i < sizeof places / sizeof places[0]; i++)
        if (strncmp(path, places[i], strlen(places[i])) == 0)
            return true;
    return false;
}

static int open_at(int directory, const char *path, int flags, mode_t mode)
{
    if (!is_the_systems(path) && fault_is_due(FAULT_OPEN)) {
        errno = EIO;
        return -1;
    }
    return (int)syscall(SYS_openat, directory, path, flags, mode);
}

/* The mode, where there is one: openat ignores it otherwise. */
#define MODE_BEHIND(flags)                                                                                             \
    mode_t mode = 0;                                                                                                   \
    if ((flags) & (O_CREAT | O_TMPFILE)) {                                                                             \
        va_list arguments;                                                                                             \
        va_start(arguments, flags);                                                                                    \
        mode = va_arg(arguments, mode_t);                                                                              \
        va_end(arguments);                                                                                             \
    }

int open(const char *path, int flags, ...)
{
    MODE_BEHIND(flags)
    return open_at(AT_FDCWD, path, flags, mode);
}

int openat(int directory, const char *path, int flags, ...)
{
    MODE_BEHIND(flags)
    return open_at(directory, path, flags, mode);
}

/* ---- memory ---- */

/* A sanitizer has an allocator of its own. */
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
extern void *__libc_malloc(size_t size);
extern void *__libc_calloc(size_t count, size_t size);
extern void *__libc_realloc(void *old, size_t size);

static bool memory_fails(void)
{
    if (!fault_is_due(FAULT_MEMORY))
        return false;
    errno = ENOMEM;
    return true;
}

void *malloc(size_t size)
{
    return memory_fails() ? NULL : __libc_malloc(size);
}

void *calloc(size_t count, size_t size)
{
    return memory_fails() ? NULL : __libc_calloc(count, size);
}

void *realloc(void *old, size_t size)
{
    return memory_fails() ? NULL : __libc_realloc(old, size);
}
#endif
