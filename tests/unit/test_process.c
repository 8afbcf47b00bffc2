/* What a program does first: looked at in a child, for it cannot be undone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/process.h"

static bool standard_descriptors_are_filled(void)
{
    int lowest_free = dup(STDIN_FILENO);
    close(lowest_free);
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        close(fd);
    process_protect();
    bool are_open = true;
    for (int fd = 0; fd <= STDERR_FILENO; fd++)
        are_open &= fcntl(fd, F_GETFL) != -1;
    return are_open && dup(STDIN_FILENO) == lowest_free;
}

static bool output_that_nobody_gets_fails(void)
{
    close(STDOUT_FILENO);
    close(STDERR_FILENO);
    process_protect();
    return write(STDOUT_FILENO, "x", 1) == -1 && write(STDERR_FILENO, "x", 1) == 1;
}

static bool open_descriptors_are_kept(void)
{
    int ends[2];
    struct stat before, after;
    if (pipe(ends) != 0 || dup2(ends[1], STDERR_FILENO) < 0 || fstat(STDERR_FILENO, &before) != 0)
        return false;
    process_protect();
    return fstat(STDERR_FILENO, &after) == 0 && before.st_ino == after.st_ino;
}

static bool nothing_is_left_for_others(void)
{
    struct rlimit core;
    umask(0);
    process_protect();
    return getrlimit(RLIMIT_CORE, &core) == 0 && core.rlim_cur == 0 && core.rlim_max == 0 &&
           prctl(PR_GET_DUMPABLE) == 0 && umask(0) == 077;
}

static bool a_broken_pipe_does_not_kill(void)
{
    int ends[2];
    process_protect();
    if (pipe(ends) != 0)
        return false;
    close(ends[0]);
    return write(ends[1], "x", 1) == -1;
}

static bool a_limit_on_file_sizes_does_not_kill(void)
{
    const struct rlimit nothing = {0, 0};
    FILE *file = tmpfile();
    process_protect();
    return file && setrlimit(RLIMIT_FSIZE, &nothing) == 0 && write(fileno(file), "x", 1) == -1 && errno == EFBIG;
}

static bool inherited_descriptors_can_be_closed(void)
{
    int ends[2];
    process_protect();
    if (pipe(ends) != 0)
        return false;
    process_close_inherited();
    return fcntl(ends[0], F_GETFD) == -1 && fcntl(ends[1], F_GETFD) == -1 && fcntl(STDERR_FILENO, F_GETFD) != -1;
}

/* The hard limit is left alone: valgrind keeps descriptors of its own there. */
static bool the_soft_limit_on_descriptors_is_raised(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_max < 100)
        return false;
    rlim_t hard = limit.rlim_max;
    limit.rlim_cur = 50;
    if (setrlimit(RLIMIT_NOFILE, &limit) != 0)
        return false;
    process_protect();
    return getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur > 50 && limit.rlim_max == hard;
}

static void holds_in_a_child(bool (*holds)(void))
{
    int ended;
    pid_t child = fork();
    if (child == 0)
        _exit(holds() ? 0 : 1);
    assert_int_equal(waitpid(child, &ended, 0), child);
    assert_int_equal(ended, 0);
}

static void closed_standard_descriptors_are_filled(void **state)
{
    (void)state;
    holds_in_a_child(standard_descriptors_are_filled);
}

static void writing_to_an_output_that_was_closed_is_an_error(void **state)
{
    (void)state;
    holds_in_a_child(output_that_nobody_gets_fails);
}

static void open_standard_descriptors_are_kept(void **state)
{
    (void)state;
    holds_in_a_child(open_descriptors_are_kept);
}

static void memory_and_files_are_kept_from_others(void **state)
{
    (void)state;
    holds_in_a_child(nothing_is_left_for_others);
}

static void writing_to_a_broken_pipe_is_an_error(void **state)
{
    (void)state;
    holds_in_a_child(a_broken_pipe_does_not_kill);
}

static void writing_beyond_a_limit_is_an_error(void **state)
{
    (void)state;
    holds_in_a_child(a_limit_on_file_sizes_does_not_kill);
}

static void as_many_descriptors_as_allowed_may_be_open(void **state)
{
    (void)state;
    holds_in_a_child(the_soft_limit_on_descriptors_is_raised);
}

static void what_was_inherited_can_be_closed(void **state)
{
    (void)state;
    holds_in_a_child(inherited_descriptors_can_be_closed);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(closed_standard_descriptors_are_filled),
        cmocka_unit_test(writing_to_an_output_that_was_closed_is_an_error),
        cmocka_unit_test(open_standard_descriptors_are_kept),
        cmocka_unit_test(memory_and_files_are_kept_from_others),
        cmocka_unit_test(writing_to_a_broken_pipe_is_an_error),
        cmocka_unit_test(writing_beyond_a_limit_is_an_error),
        cmocka_unit_test(as_many_descriptors_as_allowed_may_be_open),
        cmocka_unit_test(what_was_inherited_can_be_closed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
