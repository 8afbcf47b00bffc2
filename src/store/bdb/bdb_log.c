/* The log's old parts. Berkeley DB could remove them by itself, but it would not know of a backup that still has to
 * copy them; so whoever looks after the store removes them, under a lock that a backup holds as long as it copies. */
#include "store/bdb/bdb.h"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/clock.h"

enum { HOLD_WAIT_MS = 2000, HOLD_POLL_MS = 10 };

static int open_lock(const struct bdb *bdb)
{
    struct buf path = {0};
    buf_printf(&path, "%s/copying", bdb->home);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    buf_clear(&path);
    return fd;
}

/* Who removes is done in a moment; another backup is not. */
int bdb_log_hold(const struct bdb *bdb)
{
    int64_t end_ms = clock_monotonic_ms() + HOLD_WAIT_MS;
    int fd = open_lock(bdb);
    while (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (clock_monotonic_ms() >= end_ms) {
            close(fd);
            return -1;
        }
        clock_sleep_ms(HOLD_POLL_MS);
    }
    return fd;
}

enum status bdb_log_trim(struct bdb *bdb)
{
    enum status status = STATUS_OK;
    int fd = open_lock(bdb);
    if (fd >= 0 && flock(fd, LOCK_EX | LOCK_NB) == 0)
        status = bdb_status(bdb, bdb->env->log_archive(bdb->env, NULL, DB_ARCH_REMOVE), "log removal");
    if (fd >= 0)
        close(fd);
    return status;
}
