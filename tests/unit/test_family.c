/* The parent that starts its child anew. What the children did is counted in shared memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdbool.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/command.h"
#include "cmd/family.h"

struct shared {
    int starts;
    int leaves; /* so many children leave before one succeeds */
    int kills;  /* so many children are killed */
    int stopped;
};
static struct shared *shared;

static int make_shared(void **state)
{
    (void)state;
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED ? -1 : 0;
}

static int reset(void **state)
{
    (void)state;
    *shared = (struct shared){0};
    return 0;
}

static int work(void *context)
{
    shared->starts++;
    if (shared->starts <= shared->leaves)
        _exit(STORE_EXIT_LEFT);
    if (shared->starts <= shared->kills)
        kill(getpid(), SIGKILL);
    return *(int *)context;
}

/* Waits until it is told to end, 5 s at most. */
static int work_until_stopped(void *context)
{
    (void)context;
    shared->starts++;
    for (int i = 0; i < 500 && !family_stop; i++)
        clock_sleep_ms(10);
    shared->stopped = family_stop != 0;
    return EXIT_DONE;
}

static void the_childs_exit_status_is_handed_on(void **state)
{
    (void)state;
    int exit_status = 2;
    assert_int_equal(family_run(work, &exit_status, false), 2);
    assert_int_equal(shared->starts, 1);
}

static void a_child_that_left_is_started_anew(void **state)
{
    (void)state;
    int exit_status = EXIT_DONE;
    shared->leaves = 3;
    assert_int_equal(family_run(work, &exit_status, false), EXIT_DONE);
    assert_int_equal(shared->starts, 4);
}

static void children_that_leave_for_ever_are_given_up(void **state)
{
    (void)state;
    int exit_status = EXIT_DONE;
    shared->leaves = 1000;
    assert_int_equal(family_run(work, &exit_status, true), EXIT_FAILED);
    assert_int_equal(shared->starts, 101);
}

static void a_killed_child_ends_a_command(void **state)
{
    (void)state;
    int exit_status = EXIT_DONE;
    shared->kills = 1;
    assert_int_equal(family_run(work, &exit_status, false), EXIT_FAILED);
    assert_int_equal(shared->starts, 1);
}

static void a_killed_worker_is_started_anew_after_a_pause(void **state)
{
    (void)state;
    int exit_status = EXIT_DONE;
    int64_t before_ms = clock_monotonic_ms();
    shared->kills = 1;
    assert_int_equal(family_run(work, &exit_status, true), EXIT_DONE);
    assert_int_equal(shared->starts, 2);
    assert_true(clock_monotonic_ms() - before_ms >= 200);
}

/* Runs a family in a process of its own, so that the test can signal its parent. */
static pid_t start_family(void)
{
    pid_t pid = fork();
    if (pid == 0)
        _exit(family_run(work_until_stopped, NULL, true));
    for (int i = 0; i < 500 && shared->starts == 0; i++)
        clock_sleep_ms(5);
    assert_int_equal(shared->starts, 1);
    return pid;
}

static void signals_to_the_parent_reach_the_child(void **state)
{
    (void)state;
    pid_t parent = start_family();
    kill(parent, SIGTERM);
    int ended;
    assert_int_equal(waitpid(parent, &ended, 0), parent);
    assert_true(WIFEXITED(ended));
    assert_int_equal(WEXITSTATUS(ended), EXIT_DONE);
    assert_int_equal(shared->stopped, 1);
    assert_int_equal(shared->starts, 1);
}

static void the_child_stops_when_its_parent_is_killed(void **state)
{
    (void)state;
    pid_t parent = start_family();
    kill(parent, SIGKILL);
    assert_int_equal(waitpid(parent, NULL, 0), parent);
    for (int i = 0; i < 500 && !shared->stopped; i++)
        clock_sleep_ms(5);
    assert_int_equal(shared->stopped, 1);
}

static int work_as_long_as_ctrl_z_is_nothing(void *context)
{
    struct sigaction action;
    return sigaction(SIGTSTP, NULL, &action) == 0 && action.sa_handler == SIG_IGN ? *(int *)context : EXIT_FAILED;
}

static void ctrl_z_does_not_stop_a_child_in_the_store(void **state)
{
    (void)state;
    int done = EXIT_DONE;
    assert_int_equal(family_run(work_as_long_as_ctrl_z_is_nothing, &done, false), EXIT_DONE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(the_childs_exit_status_is_handed_on, reset),
        cmocka_unit_test_setup(a_child_that_left_is_started_anew, reset),
        cmocka_unit_test_setup(children_that_leave_for_ever_are_given_up, reset),
        cmocka_unit_test_setup(a_killed_child_ends_a_command, reset),
        cmocka_unit_test_setup(a_killed_worker_is_started_anew_after_a_pause, reset),
        cmocka_unit_test_setup(signals_to_the_parent_reach_the_child, reset),
        cmocka_unit_test_setup(the_child_stops_when_its_parent_is_killed, reset),
        cmocka_unit_test_setup(ctrl_z_does_not_stop_a_child_in_the_store, reset),
    };
    return cmocka_run_group_tests(tests, make_shared, NULL);
}
