/* Parent and child. The parent waits for signals and for its child, and does nothing else: it holds no lock and no
 * store, so nothing that happens to the store can take it along. */
#include "cmd/family.h"

#include <errno.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "cmd/command.h"
#include "store/store.h"

enum {
    LEFT_MAX = 100, /* so often within LEFT_WINDOW_MS: something is wrong that starting anew does not mend */
    LEFT_WINDOW_MS = 60000,
    PAUSE_FIRST_MS = 200,
    PAUSE_LAST_MS = 5000,
    LIVED_LONG_MS = 60000 /* a child that lived so long ends a row of failures */
};

volatile sig_atomic_t family_stop;

static const int passed_on[] = {SIGTERM, SIGINT, SIGHUP, SIGXCPU};
enum { PASSED_ON = sizeof passed_on / sizeof passed_on[0] };

struct family {
    int (*work)(void *context);
    void *context;
    bool restarts_killed;
    sigset_t waited_for;  /* the signals above and SIGCHLD, blocked in the parent */
    sigset_t mask_before; /* the child gets it back */
    pid_t child;
    int64_t child_started_ms;
    bool is_stopping; /* a signal was passed on */
    int left_count;
    int64_t left_since_ms;
    int64_t pause_ms; /* before the next start of a killed child */
};

static void stop(int signal_number)
{
    (void)signal_number;
    family_stop = 1;
}

/* What was ignored when we came stays so (nohup, a shell's background job); SIGTERM always counts. */
static bool is_ours(int number)
{
    struct sigaction before;
    return number == SIGTERM || (sigaction(number, NULL, &before) == 0 && before.sa_handler != SIG_IGN);
}

/* No SA_RESTART: what waits shall look at family_stop. */
static void handle_signals(void)
{
    struct sigaction action = {.sa_handler = stop};
    sigemptyset(&action.sa_mask);
    for (int i = 0; i < PASSED_ON; i++)
        if (is_ours(passed_on[i]))
            sigaction(passed_on[i], &action, NULL);
}

/* Ctrl-Z stops the parent alone: a child that stands still in the middle of the store would hold what it has locked,
 * and every other process with it. */
static _Noreturn void live_as_child(const struct family *family, pid_t parent)
{
    handle_signals();
    signal(SIGTSTP, SIG_IGN);
    sigprocmask(SIG_SETMASK, &family->mask_before, NULL);
    prctl(PR_SET_PDEATHSIG, SIGTERM);
    if (getppid() != parent) /* it died before the line above */
        family_stop = 1;
    exit(family->work(family->context));
}

static bool start_child(struct family *family)
{
    pid_t parent = getpid();
    fflush(NULL);
    family->child = fork();
    if (family->child == 0)
        live_as_child(family, parent);
    family->child_started_ms = clock_monotonic_ms();
    return family->child > 0;
}

/* Passes signals on until the child has ended; returns waitpid's status. */
static int wait_for_child(struct family *family)
{
    for (;;) {
        int ended;
        pid_t pid = waitpid(family->child, &ended, WNOHANG);
        if (pid == family->child)
            return ended;
        int number = sigwaitinfo(&family->waited_for, NULL);
        if (number <= 0 || number == SIGCHLD)
            continue;
        family->is_stopping = true;
        kill(family->child, number);
    }
}

/* Nobody sees this, but for a store that makes every child leave. */
static bool may_start_after_leaving(struct family *family)
{
    int64_t now_ms = clock_monotonic_ms();
    if (family->left_count == 0 || now_ms - family->left_since_ms > LEFT_WINDOW_MS) {
        family->left_count = 0;
        family->left_since_ms = now_ms;
    }
    return ++family->left_count <= LEFT_MAX;
}

/* False where a signal ended the pause. */
static bool pause_after_kill(struct family *family)
{
    if (family->pause_ms == 0 || clock_monotonic_ms() - family->child_started_ms >= LIVED_LONG_MS)
        family->pause_ms = PAUSE_FIRST_MS;
    struct timespec pause = {family->pause_ms / 1000, family->pause_ms % 1000 * 1000000};
    family->pause_ms = family->pause_ms * 2 < PAUSE_LAST_MS ? family->pause_ms * 2 : PAUSE_LAST_MS;
    int number;
    do
        number = sigtimedwait(&family->waited_for, NULL, &pause);
    while (number == SIGCHLD || (number < 0 && errno == EINTR));
    return number < 0;
}

/* A child that was told to end and left before it did: a worker had nothing to finish, other work is undone. */
static int end_stopped(const struct family *family)
{
    return family->restarts_killed ? EXIT_DONE : command_fail("stopped before it was done; run it again");
}

enum verdict { VERDICT_END, VERDICT_START };

static enum verdict judge_left(struct family *family, int *exit_status)
{
    if (family->is_stopping) {
        *exit_status = end_stopped(family);
        return VERDICT_END;
    }
    if (may_start_after_leaving(family))
        return VERDICT_START;
    *exit_status = command_fail("the store keeps being recovered; look into the log of its other processes");
    return VERDICT_END;
}

static enum verdict judge_killed(struct family *family, int number, int *exit_status)
{
    if (!family->restarts_killed || family->is_stopping) {
        *exit_status =
            command_fail("the working process was ended by signal %d (%s); run it again", number, strsignal(number));
        return VERDICT_END;
    }
    log_warn("child_killed", LOG_NUMBER("signal", number));
    if (pause_after_kill(family))
        return VERDICT_START;
    *exit_status = end_stopped(family);
    return VERDICT_END;
}

static enum verdict judge(struct family *family, int ended, int *exit_status)
{
    if (WIFSIGNALED(ended))
        return judge_killed(family, WTERMSIG(ended), exit_status);
    *exit_status = WEXITSTATUS(ended);
    return *exit_status == STORE_EXIT_LEFT ? judge_left(family, exit_status) : VERDICT_END;
}

static int run(struct family *family)
{
    int exit_status = EXIT_FAILED;
    do
        if (!start_child(family))
            return command_fail("cannot start a process: %s; try again", strerror(errno));
    while (judge(family, wait_for_child(family), &exit_status) == VERDICT_START);
    return exit_status;
}

int family_run(int (*work)(void *context), void *context, bool restarts_killed)
{
    struct family family = {.work = work, .context = context, .restarts_killed = restarts_killed};
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL); /* where it is ignored, children vanish before they can be waited for */
    sigemptyset(&family.waited_for);
    sigaddset(&family.waited_for, SIGCHLD);
    for (int i = 0; i < PASSED_ON; i++)
        if (is_ours(passed_on[i]))
            sigaddset(&family.waited_for, passed_on[i]);
    sigprocmask(SIG_BLOCK, &family.waited_for, &family.mask_before);
    int exit_status = run(&family);
    sigprocmask(SIG_SETMASK, &family.mask_before, NULL);
    return exit_status;
}
