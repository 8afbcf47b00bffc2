/* What Berkeley DB gets in place of two of the system's functions, because it does not bear their failures.
 *
 * Writing: where the disk is full it leaves a part of a page at the end of the file, and a file that is no whole number
 * of pages is one that nobody can open any more, recovery included. So what was written of a page that does not fit is
 * taken back.
 * Memory: where there is none it uses what it did not get, in some places. So the process ends there as everywhere. */
#include "store/bdb/bdb_env.h"

#include <errno.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"

/* Only at the end of the file, where nobody else has written behind it. */
static void take_back(int fd, size_t written)
{
    struct stat info;
    off_t end = lseek(fd, 0, SEEK_CUR);
    off_t start = end - (off_t)written;
    if (written > 0 && end >= 0 && fstat(fd, &info) == 0 && info.st_size == end && ftruncate(fd, start) == 0)
        (void)lseek(fd, start, SEEK_SET);
}

/* As write(2), but all of it or nothing. */
static ssize_t write_whole(int fd, const void *bytes, size_t length)
{
    const char *from = bytes;
    size_t done = 0;
    while (done < length) {
        ssize_t written = write(fd, from + done, length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written <= 0) {
            int cause = written < 0 ? errno : ENOSPC;
            take_back(fd, done);
            errno = cause;
            return -1;
        }
        done += (size_t)written;
    }
    return (ssize_t)length;
}

static void *reallocate(void *old, size_t size)
{
    return mem_realloc(old, size, 1);
}

void bdb_system_prepare(void)
{
    (void)db_env_set_func_write(write_whole); /* they never fail */
    (void)db_env_set_func_malloc(mem_alloc);
    (void)db_env_set_func_realloc(reallocate);
}
