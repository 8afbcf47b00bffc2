/* Files and directories as a whole, in a temporary directory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/tree.h"

static char directory[] = "/tmp/hookturn-tree-XXXXXX";
static char paths[4][96];

/* "<directory>/<name>", good until three further calls. */
static const char *at(const char *name)
{
    static unsigned next;
    char *path = paths[next++ % 4];
    snprintf(path, sizeof paths[0], "%s/%s", directory, name);
    return path;
}

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static int remove_directory(void **state)
{
    (void)state;
    tree_remove(AT_FDCWD, directory);
    return access(directory, F_OK) == 0 ? -1 : 0;
}

static void write_file(const char *name, const char *text, mode_t mode)
{
    FILE *file = fopen(at(name), "w");
    assert_non_null(file);
    fputs(text, file);
    fchmod(fileno(file), mode);
    fclose(file);
}

static void a_copy_is_private_new_and_summed_up(void **state)
{
    (void)state;
    struct tree_sum copied, read;
    struct stat info;
    unsigned char digest[SHA256_BYTES];
    write_file("from", "content", 0644);
    assert_int_equal(tree_copy_file(at("from"), at("to"), &copied), STATUS_OK);
    assert_int_equal(stat(at("to"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
    crypto_sha256("content", 7, digest);
    assert_memory_equal(copied.digest, digest, sizeof digest);
    assert_int_equal(copied.bytes, 7);
    assert_int_equal(tree_sum_file(at("to"), &read), STATUS_OK);
    assert_memory_equal(read.digest, digest, sizeof digest);
    assert_int_equal(tree_copy_file(at("from"), at("to"), NULL), STATUS_EXISTS);
}

static void only_regular_files_are_copied(void **state)
{
    (void)state;
    struct tree_sum sum;
    assert_int_equal(tree_copy_file(at("missing"), at("copy"), NULL), STATUS_NOT_FOUND);
    assert_int_equal(mkfifo(at("pipe"), 0600), 0);
    assert_int_equal(symlink("from", at("link")), 0);
    assert_int_equal(tree_copy_file(at("pipe"), at("copy"), NULL), STATUS_IO);
    assert_int_equal(tree_copy_file(at("link"), at("copy"), NULL), STATUS_IO);
    assert_int_equal(tree_copy_file(directory, at("copy"), NULL), STATUS_IO);
    assert_int_equal(tree_sum_file(at("pipe"), &sum), STATUS_IO);
    assert_int_not_equal(access(at("copy"), F_OK), 0);
}

static void a_directory_is_free_when_nothing_is_in_it(void **state)
{
    (void)state;
    assert_true(tree_is_free(at("nowhere")));
    assert_int_equal(mkdir(at("room"), 0700), 0);
    assert_true(tree_is_free(at("room")));
    write_file("room/something", "", 0600);
    assert_false(tree_is_free(at("room")));
    assert_false(tree_is_free(at("room/something")));
}

static void taking_a_directory_empties_and_locks_it(void **state)
{
    (void)state;
    int fd, other;
    struct stat info;
    assert_int_equal(mkdir(at("taken"), 0755), 0);
    assert_int_equal(mkdir(at("taken/deep"), 0755), 0);
    write_file("taken/deep/file", "", 0600);
    assert_int_equal(symlink("/etc", at("taken/link")), 0);
    assert_int_equal(tree_take(at("taken"), &fd), STATUS_OK);
    assert_true(tree_is_free(at("taken")));
    assert_int_equal(access("/etc/passwd", F_OK), 0); /* links are not followed */
    assert_int_equal(stat(at("taken"), &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    assert_int_equal(tree_take(at("taken"), &other), STATUS_CONFLICT);
    close(fd);
    assert_int_equal(tree_take(at("taken"), &other), STATUS_OK);
    close(other);
    assert_int_equal(tree_take(at("no/parent"), &other), STATUS_NOT_FOUND);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_copy_is_private_new_and_summed_up),
        cmocka_unit_test(only_regular_files_are_copied),
        cmocka_unit_test(a_directory_is_free_when_nothing_is_in_it),
        cmocka_unit_test(taking_a_directory_empties_and_locks_it),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
