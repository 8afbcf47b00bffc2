/* The wake-up pipe. Both sides hold it open for reading and writing, so that a writer without listeners neither blocks
 * nor is killed; whoever listens empties it. */
#include "store/bdb/bdb.h"

#include <unistd.h>

#include "store/bdb/bdb_home.h"

enum { DRAIN_BYTES = 4096 };

static int wake_open(struct bdb *bdb)
{
    pthread_mutex_lock(&bdb->mutex);
    if (bdb->wake_fd < 0)
        bdb->wake_fd = bdb_home_wake_open(bdb->home);
    int fd = bdb->wake_fd;
    pthread_mutex_unlock(&bdb->mutex);
    return fd;
}

/* Nothing depends on it: a worker that is not woken looks by itself a little later. */
void bdb_wake(struct bdb *bdb)
{
    int fd = wake_open(bdb);
    if (fd < 0)
        return;
    ssize_t written = write(fd, "w", 1); /* a full pipe wakes as well */
    (void)written;
}

int bdb_wake_fd(struct store *store)
{
    return wake_open(bdb_of(store));
}

void bdb_wake_drain(struct store *store)
{
    char bytes[DRAIN_BYTES];
    int fd = wake_open(bdb_of(store));
    while (fd >= 0 && read(fd, bytes, sizeof bytes) == (ssize_t)sizeof bytes)
        continue;
}
