/* Reading and writing that wait no longer than a signal allows. */
#include "cmd/pump.h"

#include <errno.h>
#include <limits.h>
#include <poll.h>
#include <unistd.h>

#include "cmd/family.h"

enum { LOOK_UP_MS = 200 };

/* Until the descriptor can be used, or has an error to tell. */
static enum status wait_for(int fd, short events)
{
    struct pollfd ready = {.fd = fd, .events = events};
    int found = 0;
    while (found <= 0) {
        if (family_stop)
            return STATUS_CONFLICT;
        found = poll(&ready, 1, LOOK_UP_MS);
        if (found < 0 && errno != EINTR)
            return STATUS_IO;
    }
    return STATUS_OK;
}

/* In pieces that a pipe takes at once when it takes anything. */
enum status pump_write(int fd, struct slice bytes)
{
    for (size_t done = 0; done < bytes.length;) {
        size_t piece = bytes.length - done < PIPE_BUF ? bytes.length - done : PIPE_BUF;
        enum status status = wait_for(fd, POLLOUT);
        if (status != STATUS_OK)
            return status;
        ssize_t written = write(fd, bytes.data + done, piece);
        if (written < 0 && errno != EINTR && errno != EAGAIN)
            return status_of_errno();
        done += written > 0 ? (size_t)written : 0;
    }
    return STATUS_OK;
}

enum status pump_read(int fd, char *out, size_t size, size_t *length)
{
    for (;;) {
        enum status status = wait_for(fd, POLLIN);
        if (status != STATUS_OK)
            return status;
        ssize_t got = read(fd, out, size);
        if (got < 0 && errno != EINTR && errno != EAGAIN)
            return STATUS_IO;
        if (got >= 0) {
            *length = (size_t)got;
            return STATUS_OK;
        }
    }
}
