/* The file of an export, on a file system that cannot rename without replacing, as NFS: renameat2 is ours here. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/tree.h"
#include "cmd/export_file.h"

static char directory[64];
static char path[96];

int renameat2(int from_dir, const char *from, int to_dir, const char *to, unsigned flags)
{
    if (flags == 0)
        return (int)syscall(SYS_renameat2, from_dir, from, to_dir, to, flags);
    errno = EINVAL;
    return -1;
}

static int make_directory(void **state)
{
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/hookturn-export-XXXXXX");
    assert_non_null(mkdtemp(directory));
    snprintf(path, sizeof path, "%s/out.jsonl", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    tree_remove(AT_FDCWD, directory);
    return 0;
}

static struct export_file begin(void)
{
    struct export_file file = {.path = path};
    struct failure failure;
    assert_int_equal(export_file_begin(&file, &failure), STATUS_OK);
    assert_int_equal(export_file_write(&file, slice_of("ours")), STATUS_OK);
    return file;
}

static void assert_holds(const char *text)
{
    char found[16] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_true(read(fd, found, sizeof found - 1) >= 0);
    close(fd);
    assert_string_equal(found, text);
}

static void assert_nothing_unfinished(void)
{
    char unfinished[128];
    snprintf(unfinished, sizeof unfinished, "%s.hookturn-unfinished", path);
    assert_int_equal(access(unfinished, F_OK), -1);
}

static void a_whole_file_gets_its_name(void **state)
{
    struct failure failure;
    struct export_file file = begin();
    (void)state;
    assert_int_equal(access(path, F_OK), -1);
    assert_int_equal(export_file_finish(&file, &failure), STATUS_OK);
    export_file_end(&file);
    assert_holds("ours");
    assert_nothing_unfinished();
}

static void it_never_takes_the_place_of_another_one(void **state)
{
    struct failure failure;
    struct export_file file = begin();
    (void)state;
    int other = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    assert_int_equal(write(other, "theirs", 6), 6);
    close(other);
    assert_int_equal(export_file_finish(&file, &failure), STATUS_EXISTS);
    export_file_end(&file);
    assert_holds("theirs");
    assert_nothing_unfinished();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_whole_file_gets_its_name, make_directory, remove_directory),
        cmocka_unit_test_setup_teardown(it_never_takes_the_place_of_another_one, make_directory, remove_directory),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
