/* What the delivery workers leave for everybody else: `worker.state`, a few figures. Health and the commands read them
 * without opening the store. */
#include "store/worker_state.h"

#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "store/worker_lock.h"

#define STATE_NAME "worker.state"
#define FRESH_NAME "worker.state.new"
#define STATE_FORMAT "last_run_at_ms %" PRId64 "\noldest_due_seconds %" PRId64 "\n"
#define STATE_PATTERN "last_run_at_ms %" SCNd64 " oldest_due_seconds %" SCNd64

/* The path of `name` below the data directory; clear it with buf_clear. */
static struct buf path_of(const char *data_dir, const char *name)
{
    struct buf path = {0};
    buf_printf(&path, "%s/%s", data_dir, name);
    return path;
}

/* Whether the open file still has that name: another worker may have renamed it meanwhile. */
static bool has_name(int fd, const char *path)
{
    struct stat opened, named;
    return fstat(fd, &opened) == 0 && stat(path, &named) == 0 && opened.st_ino == named.st_ino &&
           opened.st_dev == named.st_dev;
}

static bool write_text(int fd, const struct buf *text)
{
    return ftruncate(fd, 0) == 0 && write(fd, text->data, text->length) == (ssize_t)text->length;
}

enum status worker_state_write(const char *data_dir, int64_t now_ms, int64_t oldest_due_seconds)
{
    enum status status = STATUS_OK;
    struct buf path = path_of(data_dir, STATE_NAME);
    struct buf fresh = path_of(data_dir, FRESH_NAME);
    struct buf text = {0};
    buf_printf(&text, STATE_FORMAT, now_ms, oldest_due_seconds);
    int fd = open(fresh.data, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        status = STATUS_IO;
    /* Where another worker is writing just now, its figures are as good as ours. */
    else if (flock(fd, LOCK_EX | LOCK_NB) == 0 && has_name(fd, fresh.data))
        status = write_text(fd, &text) && rename(fresh.data, path.data) == 0 ? STATUS_OK : STATUS_IO;
    if (fd >= 0)
        close(fd);
    buf_clear(&path);
    buf_clear(&fresh);
    buf_clear(&text);
    return status;
}

void worker_state_read(const char *data_dir, struct worker_state *out)
{
    *out = (struct worker_state){.is_running = worker_lock_is_held(data_dir), .oldest_due_seconds = -1};
    struct buf path = path_of(data_dir, STATE_NAME);
    int fd = open(path.data, O_RDONLY | O_CLOEXEC);
    buf_clear(&path);
    if (fd < 0)
        return;
    char text[128];
    ssize_t got = read(fd, text, sizeof text - 1);
    close(fd);
    int64_t last_run_at_ms, oldest_due_seconds;
    text[got > 0 ? got : 0] = '\0';
    if (sscanf(text, STATE_PATTERN, &last_run_at_ms, &oldest_due_seconds) != 2)
        return;
    out->last_run_at_ms = last_run_at_ms;
    out->oldest_due_seconds = oldest_due_seconds;
}
