/* Ends the process, as kill -9 does, in place of the n-th call that changes what is on disk, for programs that are
 * never installed. HOOKTURN_TEST_KILL_AT is n, from 1; the linker leads these calls here (--wrap). */
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
int __real_fsync(int fd);
int __real_mkdir(const char *path, mode_t mode);
int __real_rename(const char *from, const char *to);
int __real_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __real_unlink(const char *path);
int __real_unlinkat(int directory, const char *path, int flags);

int __wrap_fsync(int fd);
int __wrap_mkdir(const char *path, mode_t mode);
int __wrap_rename(const char *from, const char *to);
int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags);
int __wrap_unlink(const char *path);
int __wrap_unlinkat(int directory, const char *path, int flags);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

static void count(void)
{
    static atomic_long calls;
    const char *last = getenv("HOOKTURN_TEST_KILL_AT");
    if (last && atomic_fetch_add(&calls, 1) + 1 == strtol(last, NULL, 10))
        raise(SIGKILL);
}

int __wrap_fsync(int fd)
{
    count();
    return __real_fsync(fd);
}

int __wrap_mkdir(const char *path, mode_t mode)
{
    count();
    return __real_mkdir(path, mode);
}

int __wrap_rename(const char *from, const char *to)
{
    count();
    return __real_rename(from, to);
}

int __wrap_renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    count();
    return __real_renameat2(from_dir, from, to_dir, to, flags);
}

int __wrap_unlink(const char *path)
{
    count();
    return __real_unlink(path);
}

int __wrap_unlinkat(int directory, const char *path, int flags)
{
    count();
    return __real_unlinkat(directory, path, flags);
}
