/* Entries of live/: made, counted, swept. Probes take the lock shared, so that two who look at once do not take each
 * other for the owner; an owner locks its entry before it gets its name, so that no probe ever sees it unlocked. */
#include "store/bdb/live.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "store/bdb/gate_files.h"
#include "store/bdb/gate_stopped.h"

enum { WALK_BYTES = 4096 };

struct owner {
    long pid;
    unsigned long long started; /* clock ticks since boot */
    unsigned long long namespace;
    unsigned slot;
};

/* Field 22 of /proc/<pid>/stat, counted behind the program's name, which may hold anything. 0: not known. */
static unsigned long long process_start(long pid)
{
    char path[64];
    char text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return 0;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *at = strrchr(text, ')');
    for (int field = 2; at != NULL && field < 22; field++)
        at = strchr(at + 1, ' ');
    return at == NULL ? 0 : strtoull(at, NULL, 10);
}

static unsigned long long pid_namespace(void)
{
    struct stat stat_buffer;
    return stat("/proc/self/ns/pid", &stat_buffer) == 0 ? (unsigned long long)stat_buffer.st_ino : 0;
}

static bool owner_read(int fd, struct owner *out)
{
    char text[128];
    ssize_t length = pread(fd, text, sizeof text - 1, 0);
    if (length <= 0)
        return false;
    text[length] = '\0';
    /* NOLINTNEXTLINE(cert-err34-c): a number that the file cannot hold is of no process */
    return sscanf(text, "%ld %llu %llu %u", &out->pid, &out->started, &out->namespace, &out->slot) == 4;
}

static bool owner_write(int fd, const struct owner *owner)
{
    char text[128];
    int length =
        snprintf(text, sizeof text, "%ld %llu %llu %u\n", owner->pid, owner->started, owner->namespace, owner->slot);
    return write(fd, text, (size_t)length) == length;
}

static void look_at(int live_dir, const char *name, void (*visit)(void *context, const char *name, int fd, bool alive),
                    void *context)
{
    int fd = openat(live_dir, name, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return;
    bool alive = flock(fd, LOCK_SH | LOCK_NB) != 0;
    struct stat stat_buffer;
    if (fstat(fd, &stat_buffer) == 0 && stat_buffer.st_nlink > 0)
        visit(context, name, fd, alive);
    close(fd);
}

/* Calls `visit` for each entry with an open descriptor, and whether its owner is alive. Entries that went away cleanly
 * while we looked (no link left) are passed over. Made of system calls, for live_has_dead. */
static enum status live_walk(int live_dir, void (*visit)(void *context, const char *name, int fd, bool alive),
                             void *context)
{
    _Alignas(struct dirent64) char entries[WALK_BYTES];
    int dir = openat(live_dir, ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (dir < 0)
        return STATUS_IO;
    ssize_t length;
    while ((length = getdents64(dir, entries, sizeof entries)) > 0) {
        const struct dirent64 *entry;
        for (ssize_t at = 0; at < length; at += entry->d_reclen) {
            entry = (const struct dirent64 *)(const void *)(entries + at);
            if (entry->d_name[0] != '.')
                look_at(live_dir, entry->d_name, visit, context);
        }
    }
    close(dir);
    return length == 0 ? STATUS_OK : STATUS_IO;
}

static void count_entry(void *context, const char *name, int fd, bool alive)
{
    struct live_census *census = context;
    struct owner owner;
    (void)name;
    if (!alive) {
        census->dead++;
        return;
    }
    census->alive++;
    if (owner_read(fd, &owner) && owner.slot < LIVE_SLOTS)
        census->slot_taken[owner.slot] = true;
}

enum status live_count(int live_dir, struct live_census *out)
{
    struct live_census census = {0};
    enum status status = live_walk(live_dir, count_entry, &census);
    if (status == STATUS_OK)
        *out = census;
    return status;
}

static void find_dead(void *context, const char *name, int fd, bool alive)
{
    bool *has_dead = context;
    (void)name;
    (void)fd;
    *has_dead = *has_dead || !alive;
}

bool live_has_dead(int live_dir)
{
    bool has_dead = false;
    return live_walk(live_dir, find_dead, &has_dead) == STATUS_OK && has_dead;
}

enum status live_enter(int live_dir, unsigned slot, char name[LIVE_NAME], int *out_fd)
{
    struct owner self = {.pid = (long)getpid(), .namespace = pid_namespace(), .slot = slot};
    char hidden[LIVE_NAME + 1];
    self.started = process_start(self.pid);
    snprintf(name, LIVE_NAME, "%ld-%llu", self.pid, self.namespace);
    snprintf(hidden, sizeof hidden, ".%s", name);
    int fd = openat(live_dir, hidden, O_RDWR | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_of_errno();
    if (flock(fd, LOCK_EX | LOCK_NB) != 0 || !owner_write(fd, &self) ||
        renameat(live_dir, hidden, live_dir, name) != 0) {
        enum status status = status_of_errno();
        unlinkat(live_dir, hidden, 0);
        close(fd);
        return status;
    }
    *out_fd = fd;
    return STATUS_OK;
}

/* Another process, and surely the one that has written this. */
static bool is_there(const struct owner *owner)
{
    struct stat stat_buffer;
    char path[64];
    if (owner->pid <= 1 || owner->pid == (long)getpid())
        return false;
    snprintf(path, sizeof path, "/proc/%ld", owner->pid);
    return owner->namespace != 0 && owner->namespace == pid_namespace() && owner->started != 0 &&
           owner->started == process_start(owner->pid) && stat(path, &stat_buffer) == 0 &&
           stat_buffer.st_uid == geteuid();
}

static void kill_entry(void *context, const char *name, int fd, bool alive)
{
    struct owner owner;
    (void)context;
    (void)name;
    if (alive && owner_read(fd, &owner) && is_there(&owner))
        kill((pid_t)owner.pid, SIGKILL);
}

static void kill_stopped_entry(void *context, const char *name, int fd, bool alive)
{
    struct owner owner;
    (void)context;
    (void)name;
    if (!alive || !owner_read(fd, &owner) || !is_there(&owner) || !gate_is_stopped(owner.pid))
        return;
    log_warn("store_kills_stopped", LOG_NUMBER("stopped", owner.pid));
    kill((pid_t)owner.pid, SIGKILL);
}

void live_kill(int live_dir)
{
    if (live_walk(live_dir, kill_entry, NULL) != STATUS_OK)
        log_warn("live_unreadable", LOG_NUMBER("errno", errno));
}

void live_kill_stopped(int live_dir)
{
    if (live_walk(live_dir, kill_stopped_entry, NULL) != STATUS_OK)
        log_warn("live_unreadable", LOG_NUMBER("errno", errno));
}

static void sweep_entry(void *context, const char *name, int fd, bool alive)
{
    (void)fd;
    if (!alive)
        unlinkat(*(int *)context, name, 0);
}

void live_sweep(int live_dir)
{
    if (live_walk(live_dir, sweep_entry, &live_dir) != STATUS_OK)
        log_warn("live_unreadable", LOG_NUMBER("errno", errno));
}
