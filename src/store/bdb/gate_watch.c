/* The two watchers; see gate_watch.h. A look is made of system calls alone, so that it can be made in a signal handler,
 * wherever the program is. */
#include "store/bdb/gate_watch.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "store/bdb/gate_files.h"
#include "store/bdb/live.h"
#include "store/store.h"

/* ---- a look ---- */

static bool must_leave(const struct gate_watch *watch, const char **reason)
{
    if (atomic_load(&watch->leaving))
        *reason = "condemned";
    else if (gate_epoch_read(watch->epoch_file) != watch->epoch)
        *reason = "recovery";
    else if (live_has_dead(watch->live))
        *reason = "a process died";
    else
        return false;
    return true;
}

/* True once it is decided. */
static bool look(struct gate_watch *watch)
{
    const char *reason = "";
    if (!must_leave(watch, &reason))
        return false;
    atomic_store(&watch->leaving, true);
    log_info("store_leave", LOG_TEXT("reason", reason));
    return true;
}

/* ---- the thread ---- */

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

/* True when the watcher is to end. */
static bool sleep_for(struct gate_watch *watch, int64_t milliseconds)
{
    struct timespec until = monotonic_in(milliseconds);
    pthread_mutex_lock(&watch->mutex);
    int outcome = 0;
    while (!watch->ended && outcome == 0)
        outcome = pthread_cond_timedwait(&watch->wake, &watch->mutex, &until);
    bool ended = watch->ended;
    pthread_mutex_unlock(&watch->mutex);
    return ended;
}

static void *run(void *context)
{
    struct gate_watch *watch = context;
    do
        if (sleep_for(watch, GATE_WATCH_MS))
            return NULL;
    while (!look(watch));
    if (sleep_for(watch, GATE_FAREWELL_MS)) /* a clean end came first: the environment is closed already */
        return NULL;
    _exit(STORE_EXIT_LEFT);
}

static enum status start_thread(struct gate_watch *watch)
{
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before); /* signals are the business of the program's own threads */
    watch->runs = pthread_create(&watch->thread, NULL, run, watch) == 0;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return watch->runs ? STATUS_OK : STATUS_IO;
}

static void end_thread(struct gate_watch *watch)
{
    pthread_mutex_lock(&watch->mutex);
    watch->ended = true;
    pthread_cond_signal(&watch->wake);
    pthread_mutex_unlock(&watch->mutex);
    pthread_join(watch->thread, NULL);
}

/* ---- the alarm clock ---- */

static struct gate_watch *alarmed; /* the handler's; changed only while the clock stands still; NULL: none */
static int looks_left;             /* until the process ends, once it is decided */

static void ring(int number)
{
    int kept_errno = errno;
    (void)number;
    if (looks_left > 0) {
        if (--looks_left == 0)
            _exit(STORE_EXIT_LEFT);
    } else if (alarmed != NULL && look(alarmed)) { /* anybody may send the signal, at any time */
        looks_left = GATE_FAREWELL_MS / GATE_WATCH_MS;
    }
    errno = kept_errno;
}

static void set_alarm(int milliseconds)
{
    const struct timeval every = {.tv_usec = (suseconds_t)milliseconds * 1000};
    const struct itimerval timer = {.it_interval = every, .it_value = every};
    (void)setitimer(ITIMER_REAL, &timer, NULL);
}

static enum status start_alarm(struct gate_watch *watch)
{
    struct sigaction action = {.sa_handler = ring, .sa_flags = SA_RESTART};
    sigset_t alone;
    sigemptyset(&alone);
    sigaddset(&alone, SIGALRM);
    alarmed = watch;
    looks_left = 0;
    watch->runs = sigaction(SIGALRM, &action, NULL) == 0;
    (void)pthread_sigmask(SIG_UNBLOCK, &alone, NULL);
    set_alarm(GATE_WATCH_MS);
    return watch->runs ? STATUS_OK : STATUS_IO;
}

/* An alarm that was on its way has rung when the call is back. */
static void end_alarm(struct gate_watch *watch)
{
    (void)watch;
    set_alarm(0);
    alarmed = NULL;
}

/* ---- both ---- */

static const struct {
    enum status (*start)(struct gate_watch *watch);
    void (*end)(struct gate_watch *watch);
} kinds[] = {[GATE_WATCHED_BY_THREAD] = {start_thread, end_thread}, [GATE_WATCHED_BY_ALARM] = {start_alarm, end_alarm}};

void gate_watch_init(struct gate_watch *watch, enum gate_watcher kind)
{
    pthread_condattr_t monotonic;
    *watch = (struct gate_watch){.kind = kind, .live = -1, .epoch_file = -1};
    atomic_init(&watch->leaving, false);
    pthread_mutex_init(&watch->mutex, NULL);
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&watch->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
}

enum status gate_watch_start(struct gate_watch *watch)
{
    return kinds[watch->kind].start(watch);
}

void gate_watch_clear(struct gate_watch *watch)
{
    if (watch->runs)
        kinds[watch->kind].end(watch);
    pthread_cond_destroy(&watch->wake);
    pthread_mutex_destroy(&watch->mutex);
}
