/* The figures that workers leave for others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "store/worker_state.h"

static char directory[] = "/tmp/hookturn-worker-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int remove_files(void **state)
{
    (void)state;
    unlink(path_of("worker.state"));
    return 0;
}

static struct worker_state read_state(void)
{
    struct worker_state read;
    worker_state_read(directory, &read);
    return read;
}

static void without_any_worker_nothing_is_known(void **state)
{
    (void)state;
    struct worker_state read = read_state();
    assert_false(read.is_running);
    assert_int_equal(read.last_run_at_ms, 0);
    assert_int_equal(read.oldest_due_seconds, -1);
    worker_state_read("/nonexistent", &read);
    assert_false(read.is_running);
}

static void what_was_written_last_is_read(void **state)
{
    (void)state;
    assert_int_equal(worker_state_write(directory, INT64_C(1781259300000), 7), STATUS_OK);
    assert_int_equal(worker_state_write(directory, INT64_C(1781259301000), -1), STATUS_OK);
    struct worker_state read = read_state();
    assert_int_equal(read.last_run_at_ms, INT64_C(1781259301000));
    assert_int_equal(read.oldest_due_seconds, -1);
    struct stat file;
    assert_int_equal(stat(path_of("worker.state"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(access(path_of("worker.state.new"), F_OK), -1);
}

static void damaged_figures_are_not_known(void **state)
{
    (void)state;
    FILE *file = fopen(path_of("worker.state"), "w");
    assert_non_null(file);
    fputs("last_run_at_ms x\n", file);
    fclose(file);
    struct worker_state read = read_state();
    assert_int_equal(read.last_run_at_ms, 0);
    assert_int_equal(read.oldest_due_seconds, -1);
}

static void nothing_is_written_into_a_directory_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(worker_state_write("/nonexistent", 1, 1), STATUS_IO);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_any_worker_nothing_is_known, remove_files),
        cmocka_unit_test_teardown(what_was_written_last_is_read, remove_files),
        cmocka_unit_test_teardown(damaged_figures_are_not_known, remove_files),
        cmocka_unit_test_teardown(nothing_is_written_into_a_directory_that_is_not_there, remove_files),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
