/* The gate, as gate.h promises it. Everything here must work while other processes die at any instruction: each step
 * either holds the gate's lock, or only reads, or is a single rename, link or write. */
#include "store/bdb/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/bdb/gate_files.h"
#include "store/bdb/gate_stopped.h"
#include "store/bdb/live.h"
#include "store/store.h"

enum {
    POLL_MS = 10,     /* while waiting for others to leave, or long for the gate */
    POLL_GATE_MS = 1, /* at first: opening without recovery takes no longer */
    GIVE_UP_AFTER_MS = 4000,
    KILLED_WAIT_MS = 500, /* until a process that was killed is gone */
    /* Others had so long to leave by themselves. Half of it again on a busy machine: a command whose child is killed
     * fails, one whose child leaves goes on. */
    KILL_AFTER_MS = GATE_WATCH_MS + GATE_FAREWELL_MS + 200
};

struct gate {
    int home; /* directories */
    int live;
    int gate_lock; /* the gate file; locked between gate_enter and gate_ready */
    int epoch_file;
    int entry; /* the own live entry; -1 before */
    char entry_name[LIVE_NAME];
    uint64_t epoch; /* at gate_enter */
    unsigned slot;
    bool recovers; /* alone, until gate_ready */
    struct gate_watch watch;
};

enum status gate_create(const char *home, struct failure *failure)
{
    enum status status = STATUS_OK;
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || mkdirat(fd, "live", 0700) != 0)
        status = status_of_errno();
    if (status == STATUS_OK)
        status = gate_reserve_make(fd);
    if (status != STATUS_OK)
        failure_set(failure, "cannot set up %s: %s", home, strerror(errno));
    if (fd >= 0)
        close(fd);
    return status;
}

/* ---- entering ---- */

static void gate_free(struct gate *gate)
{
    const int files[] = {gate->entry, gate->epoch_file, gate->live, gate->gate_lock, gate->home};
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++)
        if (files[i] >= 0)
            close(files[i]);
    free(gate);
}

static struct gate *gate_new(enum gate_watcher watcher)
{
    struct gate *gate = mem_calloc(1, sizeof *gate);
    gate->home = gate->live = gate->gate_lock = gate->epoch_file = gate->entry = -1;
    gate_watch_init(&gate->watch, watcher);
    return gate;
}

static enum status gate_open_files(struct gate *gate, const char *home, struct failure *failure)
{
    gate->home = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (gate->home >= 0)
        gate->live = openat(gate->home, "live", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (gate->live >= 0)
        gate->gate_lock = openat(gate->home, "gate", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (gate->gate_lock >= 0)
        gate->epoch_file = openat(gate->home, "epoch", O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (gate->epoch_file >= 0)
        return STATUS_OK;
    enum status status = errno == ENOENT ? STATUS_NOT_FOUND : status_of_errno();
    failure_set(failure, "cannot open the store in %s: %s", home, strerror(errno));
    return status;
}

static bool poll_lock(int fd, int64_t wait_ms)
{
    int64_t start_ms = clock_monotonic_ms();
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int64_t waited_ms = clock_monotonic_ms() - start_ms;
        if (waited_ms >= wait_ms)
            return false;
        clock_sleep_ms(waited_ms < 10 * POLL_MS ? POLL_GATE_MS : POLL_MS);
    }
    return true;
}

/* Who holds it for longer than a recovery takes either works or stands still; only that one is not worth waiting for.
 */
static bool lock_within(int fd, int64_t wait_ms)
{
    return poll_lock(fd, wait_ms) || (gate_kill_stopped_holder(fd) && poll_lock(fd, KILLED_WAIT_MS));
}

/* A restore may have put another store into this place while we waited: ours is then the gate of the one set aside. */
static bool is_still_at(const struct gate *gate, const char *home)
{
    struct stat ours, there;
    return fstat(gate->home, &ours) == 0 && stat(home, &there) == 0 && ours.st_dev == there.st_dev &&
           ours.st_ino == there.st_ino;
}

/* Until nobody else holds an entry. The gate is locked, so nobody new comes in. */
static enum status make_others_leave(const struct gate *gate)
{
    int64_t start_ms = clock_monotonic_ms();
    bool killed = false;
    for (;;) {
        struct live_census census;
        enum status status = live_count(gate->live, &census);
        if (status != STATUS_OK || census.alive == 0)
            return status;
        int64_t waited_ms = clock_monotonic_ms() - start_ms;
        if (waited_ms >= GIVE_UP_AFTER_MS)
            return STATUS_UNAVAILABLE;
        if (!killed && waited_ms >= KILL_AFTER_MS) {
            log_warn("store_recovery_kills", LOG_NUMBER("alive", census.alive));
            live_kill(gate->live);
            killed = true;
        }
        clock_sleep_ms(POLL_MS);
    }
}

/* With the gate locked: out of here nobody has the environment open. */
static enum status prepare_recovery(struct gate *gate)
{
    if (unlinkat(gate->home, "ready", 0) != 0 && errno != ENOENT)
        return status_of_errno();
    enum status status = gate_epoch_write(gate->epoch_file, ++gate->epoch);
    if (status == STATUS_OK)
        status = make_others_leave(gate);
    if (status == STATUS_OK)
        unlinkat(gate->home, "reserve", 0);
    return status;
}

static unsigned free_slot(const struct live_census *census)
{
    unsigned slot = 0;
    while (slot + 1 < LIVE_SLOTS && census->slot_taken[slot])
        slot++;
    return slot;
}

static enum status gate_pass(struct gate *gate)
{
    struct live_census census = {0};
    enum status status = live_count(gate->live, &census);
    if (status != STATUS_OK)
        return status;
    gate->epoch = gate_epoch_read(gate->epoch_file);
    gate->recovers = census.dead > 0 || !gate_ready_is_there(gate->home);
    if (gate->recovers) {
        memset(&census, 0, sizeof census);
        status = prepare_recovery(gate);
    }
    gate->slot = free_slot(&census);
    if (status == STATUS_OK)
        status = live_enter(gate->live, gate->slot, gate->entry_name, &gate->entry);
    if (status == STATUS_FULL && gate_reserve_lend(gate->home))
        status = live_enter(gate->live, gate->slot, gate->entry_name, &gate->entry);
    return status;
}

static enum status start_watch(struct gate *gate)
{
    gate->watch.live = gate->live;
    gate->watch.epoch_file = gate->epoch_file;
    gate->watch.epoch = gate->epoch;
    return gate_watch_start(&gate->watch);
}

/* ---- in and out ---- */

enum status gate_enter(const char *home, int64_t wait_ms, enum gate_watcher watcher, struct gate **out,
                       bool *needs_recovery, struct failure *failure)
{
    struct gate *gate = gate_new(watcher);
    enum status status = gate_open_files(gate, home, failure);
    if (status == STATUS_OK && !lock_within(gate->gate_lock, wait_ms)) {
        status = STATUS_UNAVAILABLE;
        failure_set(failure, "the store in %s is being opened or recovered by another process; try again", home);
    } else if (status == STATUS_OK && !is_still_at(gate, home)) {
        status = STATUS_UNAVAILABLE;
        failure_set(failure, "the store in %s was replaced just now; try again", home);
    } else if (status == STATUS_OK) {
        status = gate_pass(gate);
        if (status == STATUS_UNAVAILABLE)
            failure_set(failure, "the store in %s needs recovery, but a process that uses it does not end", home);
        else if (status != STATUS_OK)
            failure_set(failure, "cannot enter the store in %s: %s", home, strerror(errno));
    }
    /* Who opens beside others may hang on a mutex of one that dies meanwhile, so it is watched from here on. Recovery
     * is done alone, over dead entries that stay until it is through. */
    if (status == STATUS_OK && !gate->recovers)
        status = start_watch(gate);
    if (status == STATUS_OK) {
        *needs_recovery = gate->recovers;
        *out = gate;
    } else {
        gate_leave(gate);
    }
    return status;
}

enum status gate_hold(const char *home, int64_t wait_ms, int *fd, struct failure *failure)
{
    struct buf path = {0};
    buf_printf(&path, "%s/gate", home);
    int lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status status = lock < 0 ? status_of_errno() : STATUS_OK;
    if (status != STATUS_OK) {
        failure_set(failure, "cannot open %s: %s", path.data, strerror(errno));
    } else if (!lock_within(lock, wait_ms)) {
        status = STATUS_UNAVAILABLE;
        failure_set(failure, "the store in %s is being opened by another process: stop it first", home);
        close(lock);
    } else {
        *fd = lock;
    }
    buf_clear(&path);
    return status;
}

/* Only who recovered says that the regions can be trusted, and that the dead are dealt with: an entry whose owner died
 * since we looked is for the next one to find. */
static enum status finish_recovery(struct gate *gate)
{
    enum status status = gate_ready_make(gate->home);
    if (status != STATUS_OK)
        return status;
    live_sweep(gate->live);
    return start_watch(gate);
}

enum status gate_ready(struct gate *gate, struct failure *failure)
{
    enum status status = gate->recovers ? finish_recovery(gate) : STATUS_OK;
    if (status != STATUS_OK) {
        failure_set(failure, "cannot mark the store as open: %s", strerror(errno));
        return status;
    }
    if (gate_reserve_make(gate->home) != STATUS_OK)
        log_warn("store_reserve_missing", LOG_TEXT("cause", strerror(errno)));
    flock(gate->gate_lock, LOCK_UN);
    return STATUS_OK;
}

void gate_leave(struct gate *gate)
{
    gate_watch_clear(&gate->watch);
    if (gate->entry >= 0)
        unlinkat(gate->live, gate->entry_name, 0);
    gate_free(gate);
}

void gate_end_stopped(struct gate *gate)
{
    live_kill_stopped(gate->live);
}

void gate_condemn(struct gate *gate)
{
    if (atomic_exchange(&gate->watch.leaving, true))
        return;
    unlinkat(gate->home, "ready", 0);
    if (gate_epoch_write(gate->epoch_file, gate->epoch + 1) != STATUS_OK)
        log_error("store_epoch", LOG_TEXT("cause", strerror(errno)));
    log_error("store_condemned", LOG_NUMBER("epoch", gate->epoch));
}

bool gate_is_leaving(const struct gate *gate)
{
    return atomic_load(&gate->watch.leaving);
}

unsigned gate_slot(const struct gate *gate)
{
    return gate->slot;
}
