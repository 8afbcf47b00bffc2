/* The gate alone, without Berkeley DB: who recovers, who leaves, who is made to leave. Every opener is a process. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tree.h"
#include "store/bdb/bdb_verbs.h"
#include "store/bdb/gate.h"
#include "store/store.h"

static char home[64];
static enum gate_watcher watcher; /* the openers' */
static int64_t patience_ms;       /* theirs, at the gate */

static int make_home(void **state)
{
    (void)state;
    patience_ms = 5000;
    snprintf(home, sizeof home, "/tmp/hookturn-gate-XXXXXX");
    assert_non_null(mkdtemp(home));
    assert_int_equal(gate_create(home, NULL), STATUS_OK);
    return 0;
}

static int make_home_for_alarms(void **state)
{
    watcher = GATE_WATCHED_BY_ALARM;
    return make_home(state);
}

static int remove_home(void **state)
{
    char command[128];
    (void)state;
    watcher = GATE_WATCHED_BY_THREAD;
    snprintf(command, sizeof command, "rm -rf %s", home);
    return system(command);
}

enum ending {
    ENDS_CLEANLY,
    IS_KILLED,
    STAYS,
    STAYS_DEAF, /* to the alarm, until the gate says otherwise: so a web server may start a program */
    CONDEMNS,
    DIES_RECOVERING,
    RINGS_BEHIND /* somebody sends the alarm's signal when there is no gate any more */
};

/* Opens in a child; its first byte says whether it had to recover ('r') or not ('n'). */
struct opener {
    pid_t pid;
    int said;
};

static void hear_no_alarm(void)
{
    sigset_t alone;
    sigemptyset(&alone);
    sigaddset(&alone, SIGALRM);
    signal(SIGALRM, SIG_IGN);
    sigprocmask(SIG_BLOCK, &alone, NULL);
}

static void be_opener(enum ending ending, int say)
{
    struct gate *gate = NULL;
    bool needs_recovery = false;
    if (ending == STAYS_DEAF)
        hear_no_alarm();
    if (log_open(LOG_LEVEL_ERROR, "/dev/null", NULL) != STATUS_OK ||
        gate_enter(home, patience_ms, watcher, &gate, &needs_recovery, NULL) != STATUS_OK)
        _exit(2);
    if (ending == DIES_RECOVERING)
        raise(SIGKILL);
    if (gate_ready(gate, NULL) != STATUS_OK)
        _exit(3);
    if (write(say, needs_recovery ? "r" : "n", 1) != 1 || ending == IS_KILLED)
        raise(SIGKILL);
    if (ending == CONDEMNS)
        gate_condemn(gate);
    bool stays = ending != ENDS_CLEANLY && ending != RINGS_BEHIND;
    for (int i = 0; stays && i < 1000; i++)
        clock_sleep_ms(10);
    gate_leave(gate);
    if (ending == RINGS_BEHIND)
        raise(SIGALRM);
    _exit(0);
}

static int kept_from_openers = -1; /* a descriptor of ours */

static struct opener start(enum ending ending)
{
    struct opener opener;
    int ends[2];
    assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
    opener.pid = fork();
    assert_true(opener.pid >= 0);
    if (opener.pid == 0) {
        close(ends[0]);
        if (kept_from_openers >= 0)
            close(kept_from_openers);
        be_opener(ending, ends[1]);
    }
    close(ends[1]);
    opener.said = ends[0];
    return opener;
}

static char word_of(struct opener opener)
{
    char word = '-';
    return read(opener.said, &word, 1) == 1 ? word : '-';
}

static int end_of(struct opener opener)
{
    int status = 0;
    assert_int_equal(waitpid(opener.pid, &status, 0), opener.pid);
    close(opener.said);
    return status;
}

static char run(enum ending ending)
{
    struct opener opener = start(ending);
    char word = word_of(opener);
    end_of(opener);
    return word;
}

static void first_opener_recovers_and_the_next_does_not(void **state)
{
    (void)state;
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    assert_int_equal(run(ENDS_CLEANLY), 'n');
}

static void a_killed_process_makes_the_next_recover(void **state)
{
    (void)state;
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    assert_int_equal(run(IS_KILLED), 'n');
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    assert_int_equal(run(ENDS_CLEANLY), 'n');
}

/* A process that has entered, and waits for us before it lets others in. */
static void be_at_the_gate(int say, int hear)
{
    struct gate *gate = NULL;
    bool needs_recovery = false;
    char word;
    if (gate_enter(home, 5000, watcher, &gate, &needs_recovery, NULL) != STATUS_OK)
        _exit(2);
    if (write(say, needs_recovery ? "r" : "n", 1) != 1 || read(hear, &word, 1) != 0 ||
        gate_ready(gate, NULL) != STATUS_OK)
        _exit(3);
    gate_leave(gate);
    _exit(0);
}

static void a_death_while_somebody_is_at_the_gate_is_not_overlooked(void **state)
{
    int words[2], go[2];
    (void)state;
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    struct opener victim = start(STAYS);
    assert_int_equal(word_of(victim), 'n');
    assert_int_equal(pipe2(words, O_CLOEXEC), 0);
    assert_int_equal(pipe2(go, O_CLOEXEC), 0);
    struct opener entering = {.pid = fork(), .said = words[0]};
    if (entering.pid == 0) {
        close(go[1]);
        be_at_the_gate(words[1], go[0]);
    }
    close(words[1]);
    close(go[0]);
    assert_int_equal(word_of(entering), 'n');
    kill(victim.pid, SIGKILL);
    end_of(victim);
    close(go[1]);
    assert_int_equal(end_of(entering), 0);
    assert_int_equal(run(ENDS_CLEANLY), 'r');
}

static void a_recovery_that_dies_is_done_again(void **state)
{
    (void)state;
    assert_int_equal(run(DIES_RECOVERING), '-');
    assert_int_equal(run(ENDS_CLEANLY), 'r');
}

static void survivors_leave_by_themselves_when_one_is_killed(void **state)
{
    (void)state;
    struct opener survivor = start(STAYS);
    assert_int_equal(word_of(survivor), 'r');
    int64_t start_ms = clock_monotonic_ms();
    assert_int_equal(run(IS_KILLED), 'n');
    int status = end_of(survivor);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STORE_EXIT_LEFT);
    assert_true(clock_monotonic_ms() - start_ms < 5000);
}

static void an_alarm_that_the_server_kept_from_its_programs_is_heard(void **state)
{
    (void)state;
    struct opener survivor = start(STAYS_DEAF);
    assert_int_equal(word_of(survivor), 'r');
    assert_int_equal(run(IS_KILLED), 'n');
    assert_int_equal(WEXITSTATUS(end_of(survivor)), STORE_EXIT_LEFT);
}

static void an_alarm_behind_the_gate_does_nothing(void **state)
{
    (void)state;
    struct opener opener = start(RINGS_BEHIND);
    assert_int_equal(word_of(opener), 'r');
    assert_int_equal(end_of(opener), 0);
}

static void a_clean_end_disturbs_nobody(void **state)
{
    (void)state;
    struct opener other = start(STAYS);
    assert_int_equal(word_of(other), 'r');
    assert_int_equal(run(ENDS_CLEANLY), 'n');
    clock_sleep_ms(350); /* three looks of the watcher */
    assert_int_equal(waitpid(other.pid, NULL, WNOHANG), 0);
    kill(other.pid, SIGKILL);
    end_of(other);
}

static void a_process_that_does_not_leave_is_killed(void **state)
{
    (void)state;
    struct opener stuck = start(STAYS);
    assert_int_equal(word_of(stuck), 'r');
    kill(stuck.pid, SIGSTOP);
    assert_int_equal(run(IS_KILLED), 'n');
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    int status = end_of(stuck);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void condemning_makes_all_leave_and_the_next_recover(void **state)
{
    (void)state;
    struct opener other = start(STAYS);
    assert_int_equal(word_of(other), 'r');
    struct opener condemner = start(CONDEMNS);
    assert_int_equal(word_of(condemner), 'n');
    assert_int_equal(WEXITSTATUS(end_of(condemner)), STORE_EXIT_LEFT);
    assert_int_equal(WEXITSTATUS(end_of(other)), STORE_EXIT_LEFT);
    assert_int_equal(run(ENDS_CLEANLY), 'r');
}

static void regions_of_another_boot_are_not_trusted(void **state)
{
    char path[128];
    (void)state;
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    snprintf(path, sizeof path, "%s/ready", home);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "another boot\n", 13), 13);
    close(fd);
    assert_int_equal(run(ENDS_CLEANLY), 'r');
}

static void the_reserve_takes_real_space_and_comes_back_after_recovery(void **state)
{
    char path[128];
    struct stat stat_buffer;
    (void)state;
    snprintf(path, sizeof path, "%s/reserve", home);
    assert_int_equal(stat(path, &stat_buffer), 0);
    assert_true(stat_buffer.st_blocks * 512 >= 16 * 1024 * 1024);
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    assert_int_equal(stat(path, &stat_buffer), 0);
}

/* A process that has the gate's lock, and keeps it; or stops itself with it. */
static pid_t start_holder(bool stands_still)
{
    struct gate *gate = NULL;
    bool needs_recovery;
    int words[2];
    char word;
    assert_int_equal(pipe2(words, O_CLOEXEC), 0);
    pid_t pid = fork();
    if (pid == 0) {
        if (gate_enter(home, 5000, watcher, &gate, &needs_recovery, NULL) != STATUS_OK || write(words[1], "e", 1) != 1)
            _exit(1);
        if (stands_still)
            raise(SIGSTOP);
        for (;;)
            pause();
    }
    close(words[1]);
    assert_int_equal(read(words[0], &word, 1), 1);
    close(words[0]);
    if (stands_still)
        assert_int_equal(waitpid(pid, NULL, WUNTRACED), pid);
    return pid;
}

static void who_waits_in_vain_is_told_so(void **state)
{
    struct gate *gate = NULL;
    bool needs_recovery;
    struct failure failure = {""};
    (void)state;
    pid_t holder = start_holder(false);
    assert_int_equal(gate_enter(home, 100, watcher, &gate, &needs_recovery, &failure), STATUS_UNAVAILABLE);
    assert_string_not_equal(failure.text, "");
    assert_int_equal(waitpid(holder, NULL, WNOHANG), 0);
    kill(holder, SIGKILL);
    waitpid(holder, NULL, 0);
}

static void who_stands_still_at_the_gate_is_killed(void **state)
{
    int status;
    (void)state;
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    pid_t holder = start_holder(true);
    patience_ms = 200;
    struct opener next = start(ENDS_CLEANLY);
    assert_int_equal(word_of(next), 'r');
    assert_int_equal(end_of(next), 0);
    assert_int_equal(waitpid(holder, &status, 0), holder);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WTERMSIG(status), SIGKILL);
}

static void of_those_that_are_waited_for_only_who_stands_still_is_killed(void **state)
{
    struct gate *gate = NULL;
    bool needs_recovery;
    (void)state;
    struct opener stopped = start(STAYS), running = start(STAYS);
    word_of(stopped);
    word_of(running);
    kill(stopped.pid, SIGSTOP);
    assert_int_equal(waitpid(stopped.pid, NULL, WUNTRACED), stopped.pid);
    pid_t waiter = fork();
    if (waiter == 0) {
        if (gate_enter(home, 5000, watcher, &gate, &needs_recovery, NULL) != STATUS_OK ||
            gate_ready(gate, NULL) != STATUS_OK)
            _exit(1);
        gate_end_stopped(gate);
        for (;;)
            pause();
    }
    int status = end_of(stopped);
    assert_true(WIFSIGNALED(status));
    assert_int_equal(WEXITSTATUS(end_of(running)), STORE_EXIT_LEFT);
    assert_int_equal(waitpid(waiter, &status, 0), waiter);
    assert_int_equal(WEXITSTATUS(status), STORE_EXIT_LEFT);
    assert_int_equal(run(ENDS_CLEANLY), 'r');
}

/* Whether the process has the file open. */
static bool has_open(pid_t pid, const char *path)
{
    for (int fd = 0; fd < 64; fd++) {
        char link[64], target[256] = "";
        snprintf(link, sizeof link, "/proc/%ld/fd/%d", (long)pid, fd);
        if (readlink(link, target, sizeof target - 1) > 0 && strcmp(target, path) == 0)
            return true;
    }
    return false;
}

static void who_waited_while_the_home_was_replaced_does_not_come_in(void **state)
{
    int held;
    char aside[80], epoch[80];
    (void)state;
    snprintf(aside, sizeof aside, "%s.aside", home);
    snprintf(epoch, sizeof epoch, "%s/epoch", home); /* opened behind the gate's file, and by nobody else here */
    assert_int_equal(run(ENDS_CLEANLY), 'r');
    assert_int_equal(gate_hold(home, 1000, &held, NULL), STATUS_OK);
    kept_from_openers = held;
    struct opener waiting = start(ENDS_CLEANLY);
    kept_from_openers = -1;
    for (int i = 0; i < 1000 && !has_open(waiting.pid, epoch); i++)
        clock_sleep_ms(5);
    assert_int_equal(rename(home, aside), 0);
    assert_int_equal(mkdir(home, 0700), 0);
    assert_int_equal(gate_create(home, NULL), STATUS_OK);
    close(held);
    assert_int_equal(word_of(waiting), '-');
    assert_int_equal(WEXITSTATUS(end_of(waiting)), 2);
    assert_int_equal(run(ENDS_CLEANLY), 'r'); /* into the new one */
    tree_remove(AT_FDCWD, aside);
}

static _Noreturn void be_opener_of_a_store(const char *data_dir, int held)
{
    struct store *store;
    struct failure failure = {""};
    close(held);
    _exit((int)bdb_open(data_dir, STORE_FOR_COMMAND, &store, &failure));
}

/* A newer program may have been at the gate before: who opened nevertheless would work on what he does not know. */
static void a_store_that_became_newer_at_the_gate_is_not_opened(void **state)
{
    char data_dir[] = "/tmp/hookturn-newer-XXXXXX";
    char path[64];
    int held, status;
    (void)state;
    assert_non_null(mkdtemp(data_dir));
    assert_int_equal(bdb_create(data_dir, NULL), STATUS_OK);
    snprintf(path, sizeof path, "%s/store", data_dir);
    assert_int_equal(gate_hold(path, 1000, &held, NULL), STATUS_OK);
    pid_t opener = fork();
    if (opener == 0)
        be_opener_of_a_store(data_dir, held);
    snprintf(path, sizeof path, "%s/store/epoch", data_dir);
    for (int i = 0; i < 1000 && !has_open(opener, path); i++)
        clock_sleep_ms(5);
    snprintf(path, sizeof path, "%s/store/format", data_dir);
    int fd = open(path, O_WRONLY | O_TRUNC | O_CLOEXEC);
    assert_int_equal(write(fd, "hookturn-store 9\n", 17), 17);
    close(fd);
    close(held);
    assert_int_equal(waitpid(opener, &status, 0), opener);
    assert_true(WIFEXITED(status));
    assert_int_equal(WEXITSTATUS(status), STATUS_VERSION);
    tree_remove(AT_FDCWD, data_dir);
}

int main(void)
{
#define GATE_TEST(name)                                                                                                \
    {#name, name, make_home, remove_home, NULL},                                                                       \
    {                                                                                                                  \
#name " (alarm)", name, make_home_for_alarms, remove_home, NULL                                                \
    }
    const struct CMUnitTest tests[] = {
        GATE_TEST(first_opener_recovers_and_the_next_does_not),
        GATE_TEST(a_killed_process_makes_the_next_recover),
        GATE_TEST(a_death_while_somebody_is_at_the_gate_is_not_overlooked),
        GATE_TEST(a_recovery_that_dies_is_done_again),
        GATE_TEST(survivors_leave_by_themselves_when_one_is_killed),
        {"an_alarm_that_the_server_kept_from_its_programs_is_heard",
         an_alarm_that_the_server_kept_from_its_programs_is_heard, make_home_for_alarms, remove_home, NULL},
        {"an_alarm_behind_the_gate_does_nothing", an_alarm_behind_the_gate_does_nothing, make_home_for_alarms,
         remove_home, NULL},
        GATE_TEST(a_clean_end_disturbs_nobody),
        GATE_TEST(a_process_that_does_not_leave_is_killed),
        GATE_TEST(condemning_makes_all_leave_and_the_next_recover),
        GATE_TEST(regions_of_another_boot_are_not_trusted),
        GATE_TEST(the_reserve_takes_real_space_and_comes_back_after_recovery),
        GATE_TEST(who_waits_in_vain_is_told_so),
        GATE_TEST(who_stands_still_at_the_gate_is_killed),
        GATE_TEST(of_those_that_are_waited_for_only_who_stands_still_is_killed),
        GATE_TEST(who_waited_while_the_home_was_replaced_does_not_come_in),
        cmocka_unit_test(a_store_that_became_newer_at_the_gate_is_not_opened),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
