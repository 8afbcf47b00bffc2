/* `worker.lock`: held, shared, by every delivery worker. Locks of the open file, not of the process: they can be asked
 * about without being taken, so that those who ask never mistake each other for a worker; and a parent and its child
 * hold them together. */
#include "store/worker_lock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/tree.h"

#define LOCK_NAME "worker.lock"

static bool set_lock(int fd, short type)
{
    struct flock lock = {.l_type = type, .l_whence = SEEK_SET};
    return fcntl(fd, F_OFD_SETLK, &lock) == 0;
}

enum status worker_lock_take(const char *data_dir, int *out_fd, struct failure *failure)
{
    struct buf path = tree_path(data_dir, LOCK_NAME);
    int fd = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status status = STATUS_OK;
    if (fd < 0 || !set_lock(fd, F_RDLCK)) {
        failure_set(failure, "cannot lock %s: %s; the data directory must be writable", path.data, strerror(errno));
        status = STATUS_IO;
        if (fd >= 0)
            close(fd);
    } else {
        *out_fd = fd;
    }
    buf_clear(&path);
    return status;
}

void worker_lock_let_go(int fd)
{
    (void)set_lock(fd, F_UNLCK);
}

/* Nobody takes it exclusively, so nobody is in the way. */
void worker_lock_take_again(int fd)
{
    (void)set_lock(fd, F_RDLCK);
}

bool worker_lock_is_held(const char *data_dir)
{
    struct buf path = tree_path(data_dir, LOCK_NAME);
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    buf_clear(&path);
    if (fd < 0)
        return false;
    struct flock lock = {.l_type = F_WRLCK, .l_whence = SEEK_SET};
    bool held = fcntl(fd, F_OFD_GETLK, &lock) == 0 && lock.l_type != F_UNLCK;
    close(fd);
    return held;
}
