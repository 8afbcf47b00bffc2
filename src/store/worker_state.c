/* What the delivery workers leave for everybody else: `worker.state`, their figures. Health and the commands read them
 * without opening the store. */
#include "store/worker_state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/tree.h"
#include "store/worker_lock.h"

#define STATE_NAME "worker.state"
#define FRESH_NAME "worker.state.new"
enum { WRITE_TRIES = 50 /* a millisecond apart; a write takes a tenth of one */ };

/* What is not there, or not ours, leaves `out` as it was. */
static void read_figures(const char *path, struct worker_state *out)
{
    char text[WORKER_STATE_MAX_BYTES];
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return;
    ssize_t got = read(fd, text, sizeof text);
    close(fd);
    if (got > 0)
        worker_state_decode((struct slice){text, (size_t)got}, out);
}

/* Whether the open file still has that name: another worker may have renamed it meanwhile. */
static bool has_name(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

/* The new file is the lock as well: who holds it, and it still has that name, is alone between reading the figures and
 * renaming it. A worker that is stopped in the middle must not stop the others: STATUS_AGAIN. */
static enum status lock_fresh(const char *path, int *out_fd)
{
    for (int i = 0; i < WRITE_TRIES; i++) {
        int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
        if (fd < 0)
            return status_of_errno();
        bool is_locked = flock(fd, LOCK_EX | LOCK_NB) == 0;
        if (is_locked && has_name(fd, path)) {
            *out_fd = fd;
            return STATUS_OK;
        }
        close(fd);
        if (!is_locked)
            clock_sleep_ms(1);
    }
    return STATUS_AGAIN;
}

static bool write_text(int fd, const struct buf *text)
{
    errno = 0;
    return ftruncate(fd, 0) == 0 && write(fd, text->data, text->length) == (ssize_t)text->length;
}

static enum status replace(int fd, const char *fresh, const char *path, const struct worker_state *state)
{
    struct buf text = {0};
    worker_state_encode(state, &text);
    enum status status = write_text(fd, &text) && rename(fresh, path) == 0 ? STATUS_OK : status_of_errno();
    buf_clear(&text);
    return status;
}

enum status worker_state_write(const char *data_dir, int64_t now_ms, int64_t oldest_due_seconds,
                               const struct worker_backlog *backlog, const struct worker_failing *failing,
                               struct worker_counts *counts)
{
    int fd = -1;
    struct worker_state state = {0};
    struct buf path = tree_path(data_dir, STATE_NAME);
    struct buf fresh = tree_path(data_dir, FRESH_NAME);
    enum status status = lock_fresh(fresh.data, &fd);
    if (status == STATUS_OK) {
        read_figures(path.data, &state);
        state.last_run_at_ms = now_ms;
        state.oldest_due_seconds = oldest_due_seconds;
        if (backlog != NULL)
            state.backlog = *backlog;
        if (failing != NULL)
            state.failing = *failing;
        worker_state_add(&state, now_ms, counts);
        status = replace(fd, fresh.data, path.data, &state);
        close(fd);
    }
    if (status == STATUS_OK)
        *counts = (struct worker_counts){{0}};
    buf_clear(&path);
    buf_clear(&fresh);
    return status;
}

void worker_state_read(const char *data_dir, struct worker_state *out)
{
    *out = (struct worker_state){.is_running = worker_lock_is_held(data_dir), .oldest_due_seconds = -1};
    struct buf path = tree_path(data_dir, STATE_NAME);
    read_figures(path.data, out);
    buf_clear(&path);
}
