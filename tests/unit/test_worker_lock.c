/* The lock that says whether a delivery worker runs. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/worker_lock.h"

static char directory[] = "/tmp/hookturn-worker-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    char path[128];
    snprintf(path, sizeof path, "%s/worker.lock", directory);
    unlink(path);
    return rmdir(directory);
}

static void without_any_worker_it_is_not_held(void **state)
{
    (void)state;
    assert_false(worker_lock_is_held(directory));
    assert_false(worker_lock_is_held("/nonexistent"));
}

static void a_worker_runs_as_long_as_one_holds_the_lock(void **state)
{
    (void)state;
    int first, second;
    assert_int_equal(worker_lock_take(directory, &first, NULL), STATUS_OK);
    assert_int_equal(worker_lock_take(directory, &second, NULL), STATUS_OK);
    assert_true(worker_lock_is_held(directory));
    close(first);
    assert_true(worker_lock_is_held(directory));
    close(second);
    assert_false(worker_lock_is_held(directory));
}

static void the_lock_ends_with_a_killed_worker(void **state)
{
    (void)state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        int fd;
        if (worker_lock_take(directory, &fd, NULL) == STATUS_OK && write(ready[1], "x", 1) == 1)
            pause();
        _exit(1);
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_true(worker_lock_is_held(directory));
    kill(pid, SIGKILL);
    waitpid(pid, NULL, 0);
    assert_false(worker_lock_is_held(directory));
    close(ready[0]);
    close(ready[1]);
}

/* A parent takes it, its child works with it: what the child lets go, the parent holds no longer. */
static void parent_and_child_hold_one_lock_together(void **state)
{
    (void)state;
    int fd;
    assert_int_equal(worker_lock_take(directory, &fd, NULL), STATUS_OK);
    pid_t pid = fork();
    if (pid == 0) {
        close(fd);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    assert_true(worker_lock_is_held(directory));
    pid = fork();
    if (pid == 0) {
        worker_lock_let_go(fd);
        _exit(0);
    }
    waitpid(pid, NULL, 0);
    assert_false(worker_lock_is_held(directory));
    worker_lock_take_again(fd);
    assert_true(worker_lock_is_held(directory));
    close(fd);
    assert_false(worker_lock_is_held(directory));
}

static void a_directory_that_is_not_there_is_named(void **state)
{
    (void)state;
    struct failure failure;
    int fd;
    assert_int_equal(worker_lock_take("/nonexistent", &fd, &failure), STATUS_IO);
    assert_non_null(strstr(failure.text, "/nonexistent/worker.lock"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_any_worker_it_is_not_held),
        cmocka_unit_test(a_worker_runs_as_long_as_one_holds_the_lock),
        cmocka_unit_test(the_lock_ends_with_a_killed_worker),
        cmocka_unit_test(parent_and_child_hold_one_lock_together),
        cmocka_unit_test(a_directory_that_is_not_there_is_named),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
