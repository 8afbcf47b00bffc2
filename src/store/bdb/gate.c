/* The gate, as gate.h promises it. Everything here must work while other processes die at any instruction: each step
 * either holds the gate's lock, or only reads, or is a single rename, link or write. */
#include "store/bdb/gate.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/bdb/gate_files.h"
#include "store/bdb/live.h"
#include "store/store.h"

enum {
    POLL_MS = 10,     /* while waiting for others to leave, or long for the gate */
    POLL_GATE_MS = 1, /* at first: opening without recovery takes no longer */
    GIVE_UP_AFTER_MS = 4000,
    WATCH_MS = 100,    /* between two looks of the watcher */
    FAREWELL_MS = 200, /* from the decision to leave to _exit: answers in hand are finished */
    /* Others had so long to leave by themselves. Half of it again on a busy machine: a command whose child is killed
     * fails, one whose child leaves goes on. */
    KILL_AFTER_MS = WATCH_MS + FAREWELL_MS + 200
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
    atomic_bool leaving;
    bool has_watcher;
    pthread_t watcher;
    pthread_mutex_t mutex; /* guards `ended`, with the condition */
    pthread_cond_t wake;
    bool ended;
};

enum status gate_create(const char *home, struct failure *failure)
{
    enum status status = STATUS_OK;
    int fd = open(home, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0 || mkdirat(fd, "live", 0700) != 0)
        status = gate_status_of_errno();
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
    pthread_cond_destroy(&gate->wake);
    pthread_mutex_destroy(&gate->mutex);
    free(gate);
}

static struct gate *gate_new(void)
{
    struct gate *gate = mem_calloc(1, sizeof *gate);
    pthread_condattr_t monotonic;
    gate->home = gate->live = gate->gate_lock = gate->epoch_file = gate->entry = -1;
    atomic_init(&gate->leaving, false);
    pthread_mutex_init(&gate->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&gate->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
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
    enum status status = errno == ENOENT ? STATUS_NOT_FOUND : gate_status_of_errno();
    failure_set(failure, "cannot open the store in %s: %s", home, strerror(errno));
    return status;
}

static bool lock_within(int fd, int64_t wait_ms)
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
        return gate_status_of_errno();
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

static enum status gate_pass(struct gate *gate, bool *needs_recovery)
{
    struct live_census census = {0};
    enum status status = live_count(gate->live, &census);
    if (status != STATUS_OK)
        return status;
    gate->epoch = gate_epoch_read(gate->epoch_file);
    *needs_recovery = census.dead > 0 || !gate_ready_is_there(gate->home);
    if (*needs_recovery) {
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

/* ---- watching ---- */

static bool gate_must_leave(struct gate *gate, const char **reason)
{
    struct live_census census;
    if (atomic_load(&gate->leaving))
        *reason = "condemned";
    else if (gate_epoch_read(gate->epoch_file) != gate->epoch)
        *reason = "recovery";
    else if (live_count(gate->live, &census) == STATUS_OK && census.dead > 0)
        *reason = "a process died";
    else
        return false;
    return true;
}

static struct timespec monotonic_in(int64_t milliseconds)
{
    struct timespec at;
    clock_gettime(CLOCK_MONOTONIC, &at);
    at.tv_sec += (time_t)(milliseconds / 1000);
    at.tv_nsec += (long)(milliseconds % 1000) * 1000000;
    if (at.tv_nsec >= 1000000000) {
        at.tv_sec++;
        at.tv_nsec -= 1000000000;
    }
    return at;
}

/* True when gate_leave wants the watcher to end. */
static bool watcher_sleep(struct gate *gate, int64_t milliseconds)
{
    struct timespec until = monotonic_in(milliseconds);
    pthread_mutex_lock(&gate->mutex);
    int outcome = 0;
    while (!gate->ended && outcome == 0)
        outcome = pthread_cond_timedwait(&gate->wake, &gate->mutex, &until);
    bool ended = gate->ended;
    pthread_mutex_unlock(&gate->mutex);
    return ended;
}

static void *watch(void *context)
{
    struct gate *gate = context;
    const char *reason = "";
    while (!gate_must_leave(gate, &reason))
        if (watcher_sleep(gate, WATCH_MS))
            return NULL;
    atomic_store(&gate->leaving, true);
    log_info("store_leave", LOG_TEXT("reason", reason));
    if (watcher_sleep(gate, FAREWELL_MS)) /* a clean end came first: the environment is closed already */
        return NULL;
    _exit(STORE_EXIT_LEFT);
}

static enum status watcher_start(struct gate *gate)
{
    sigset_t all;
    sigset_t before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the business of the program's own threads */
    gate->has_watcher = pthread_create(&gate->watcher, NULL, watch, gate) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return gate->has_watcher ? STATUS_OK : STATUS_IO;
}

/* ---- in and out ---- */

enum status gate_enter(const char *home, int64_t wait_ms, struct gate **out, bool *needs_recovery,
                       struct failure *failure)
{
    struct gate *gate = gate_new();
    enum status status = gate_open_files(gate, home, failure);
    if (status == STATUS_OK && !lock_within(gate->gate_lock, wait_ms)) {
        status = STATUS_UNAVAILABLE;
        failure_set(failure, "the store in %s is being opened or recovered by another process; try again", home);
    } else if (status == STATUS_OK && !is_still_at(gate, home)) {
        status = STATUS_UNAVAILABLE;
        failure_set(failure, "the store in %s was replaced just now; try again", home);
    } else if (status == STATUS_OK) {
        status = gate_pass(gate, needs_recovery);
        if (status == STATUS_UNAVAILABLE)
            failure_set(failure, "the store in %s needs recovery, but a process that uses it does not end", home);
        else if (status != STATUS_OK)
            failure_set(failure, "cannot enter the store in %s: %s", home, strerror(errno));
    }
    /* Who opens beside others may hang on a mutex of one that dies meanwhile, so it is watched from here on. Recovery
     * is done alone, over dead entries that stay until it is through. */
    if (status == STATUS_OK && !*needs_recovery)
        status = watcher_start(gate);
    if (status == STATUS_OK)
        *out = gate;
    else
        gate_leave(gate);
    return status;
}

enum status gate_hold(const char *home, int64_t wait_ms, int *fd, struct failure *failure)
{
    struct buf path = {0};
    buf_printf(&path, "%s/gate", home);
    int lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status status = lock < 0 ? gate_status_of_errno() : STATUS_OK;
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

enum status gate_ready(struct gate *gate, struct failure *failure)
{
    enum status status = gate_ready_is_there(gate->home) ? STATUS_OK : gate_ready_make(gate->home);
    if (status == STATUS_OK) {
        live_sweep(gate->live);
        if (gate_reserve_make(gate->home) != STATUS_OK)
            log_warn("store_reserve_missing", LOG_TEXT("cause", strerror(errno)));
        if (!gate->has_watcher)
            status = watcher_start(gate);
    }
    if (status != STATUS_OK) {
        failure_set(failure, "cannot mark the store as open: %s", strerror(errno));
        return status;
    }
    flock(gate->gate_lock, LOCK_UN);
    return STATUS_OK;
}

void gate_leave(struct gate *gate)
{
    if (gate->has_watcher) {
        pthread_mutex_lock(&gate->mutex);
        gate->ended = true;
        pthread_cond_signal(&gate->wake);
        pthread_mutex_unlock(&gate->mutex);
        pthread_join(gate->watcher, NULL);
    }
    if (gate->entry >= 0)
        unlinkat(gate->live, gate->entry_name, 0);
    gate_free(gate);
}

void gate_condemn(struct gate *gate)
{
    if (atomic_exchange(&gate->leaving, true))
        return;
    unlinkat(gate->home, "ready", 0);
    if (gate_epoch_write(gate->epoch_file, gate->epoch + 1) != STATUS_OK)
        log_error("store_epoch", LOG_TEXT("cause", strerror(errno)));
    log_error("store_condemned", LOG_NUMBER("epoch", gate->epoch));
}

bool gate_is_leaving(const struct gate *gate)
{
    return atomic_load(&gate->leaving);
}

unsigned gate_slot(const struct gate *gate)
{
    return gate->slot;
}
