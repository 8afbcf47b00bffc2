/* The setup file: what may stand in it, what its messages never say, and which files are taken. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "model/api_key.h"
#include "store/setup_file.h"

#define ORGANIZATION "organization = 3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11\n"
#define GOOD_KEY "vT3k-9Qz_bX2mLr8wYp5sHd7fGj4nCa6eUi1oRtq"

static char directory[] = "/tmp/hookturn-setup-XXXXXX";
static char path[64], other[64];

static enum status parse(const char *text, struct setup_file *out, struct failure *failure)
{
    return setup_file_parse("setup", slice_of(text), out, failure);
}

/* ---- what stands in it ---- */

static void organization_and_key_are_enough(void **state)
{
    (void)state;
    struct setup_file setup;
    char organization[UUID_TEXT];
    assert_int_equal(parse("\xef\xbb\xbf# mine\r\n" ORGANIZATION "\r\n  key=" GOOD_KEY " # secret\r\n", &setup, NULL),
                     STATUS_OK);
    uuid_format(&setup.organization_id, organization);
    assert_string_equal(organization, "3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11");
    assert_string_equal(buf_text(&setup.key), GOOD_KEY);
    assert_int_equal(setup.scopes, API_SCOPE_MANAGE | API_SCOPE_READ | API_SCOPE_PUBLISH);
    setup_file_clear(&setup);
}

static void scopes_may_be_named(void **state)
{
    (void)state;
    struct setup_file setup;
    assert_int_equal(parse(ORGANIZATION "key = " GOOD_KEY "\nscopes = publish,operate", &setup, NULL), STATUS_OK);
    assert_int_equal(setup.scopes, API_SCOPE_PUBLISH | API_SCOPE_OPERATE);
    setup_file_clear(&setup);
}

static void of_a_setting_that_stands_twice_the_last_counts(void **state)
{
    (void)state;
    struct setup_file setup;
    assert_int_equal(parse(ORGANIZATION "key = x" GOOD_KEY "\nkey = " GOOD_KEY "\n", &setup, NULL), STATUS_OK);
    assert_string_equal(buf_text(&setup.key), GOOD_KEY);
    setup_file_clear(&setup);
}

static void what_is_wrong_is_said_with_its_line_and_without_its_text(void **state)
{
    static const struct {
        const char *text;
        const char *message;
    } rows[] = {
        {"", "setup: there is no line that begins with `organization =`"},
        {"key = " GOOD_KEY, "setup: there is no line that begins with `organization =`"},
        {ORGANIZATION, "setup: there is no line that begins with `key =`"},
        {"organization = QZQZQZ\n", "setup:1: organization needs a UUID"},
        {ORGANIZATION "key = \n", "setup:2: the key has fewer than 40 characters"},
        {ORGANIZATION "key = QZQZQZ\n", "setup:2: the key has fewer than 40 characters"},
        {ORGANIZATION "key = <QZQZQZ put at least 40 characters here>\n", "setup:2: the key may hold letters"},
        {ORGANIZATION "key = \"QZQZQZ" GOOD_KEY "\"\n", "setup:2: the key may hold letters"},
        {ORGANIZATION "key = QZQZQZQZQZQZQZQZQZQZQZQZQZQZQZQZQZQZQZQZQZ\n", "setup:2: the key can be guessed"},
        {ORGANIZATION "\n" GOOD_KEY "QZQZQZ\n", "setup:3: the line is neither"},
        {ORGANIZATION "QZQZQZ" GOOD_KEY "=\n", "setup:2: this is none of organization, key and scopes"},
        {ORGANIZATION "scopes = QZQZQZ\n", "setup:2: scopes needs some of"},
        {ORGANIZATION "scopes = read, publish\n",
         "setup:2: scopes needs some of manage,read,publish,operate with commas, and no spaces, between"},
        {ORGANIZATION "key = QZQZQZ\xff\n", "setup:2: the line holds a NUL or is not valid UTF-8"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct setup_file setup;
        struct failure failure = {""};
        assert_int_equal(parse(rows[i].text, &setup, &failure), STATUS_INVALID);
        assert_memory_equal(failure.text, rows[i].message, strlen(rows[i].message));
        assert_null(strstr(failure.text, "QZQZQZ"));
        assert_null(strstr(failure.text, GOOD_KEY));
        for (const char *c = failure.text; *c != '\0'; c++)
            assert_in_range(*c, ' ', '~'); /* a log would show anything else by its bytes' numbers */
        setup_file_clear(&setup);
    }
}

/* ---- the file ---- */

static void write_file(const char *name, mode_t mode)
{
    FILE *file = fopen(name, "w");
    assert_non_null(file);
    fputs(ORGANIZATION "key = " GOOD_KEY "\n", file);
    fclose(file);
    assert_int_equal(chmod(name, mode), 0);
}

static enum status read_it(struct failure *failure)
{
    struct setup_file setup;
    enum status status = setup_file_read(path, &setup, failure);
    if (status == STATUS_OK)
        assert_string_equal(buf_text(&setup.key), GOOD_KEY);
    setup_file_clear(&setup);
    return status;
}

static void only_a_file_that_nobody_else_can_open_is_taken(void **state)
{
    static const mode_t open_modes[] = {0604, 0640, 0620, 0602, 0644, 0666, 0610};
    struct failure failure;
    (void)state;
    write_file(path, 0600);
    assert_int_equal(read_it(NULL), STATUS_OK);
    chmod(path, 0400);
    assert_int_equal(read_it(NULL), STATUS_OK);
    for (size_t i = 0; i < sizeof open_modes / sizeof open_modes[0]; i++) {
        chmod(path, open_modes[i]);
        assert_int_equal(read_it(&failure), STATUS_DENIED);
        assert_non_null(strstr(failure.text, "permissions 600"));
    }
}

static void neither_a_link_nor_a_pipe_nor_a_directory_is_taken(void **state)
{
    (void)state;
    write_file(other, 0600);
    assert_int_equal(symlink(other, path), 0);
    assert_int_equal(read_it(NULL), STATUS_DENIED);
    unlink(path);
    assert_int_equal(link(other, path), 0);
    assert_int_equal(read_it(NULL), STATUS_DENIED);
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_int_equal(read_it(NULL), STATUS_DENIED);
    unlink(path);
    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(read_it(NULL), STATUS_DENIED);
    rmdir(path);
}

static void a_large_one_is_not_taken(void **state)
{
    (void)state;
    write_file(path, 0600);
    assert_int_equal(truncate(path, 8193), 0);
    assert_int_equal(read_it(NULL), STATUS_DENIED);
}

static void removing_it_leaves_nothing_of_its_text(void **state)
{
    char bytes[256];
    (void)state;
    write_file(path, 0600);
    FILE *before = fopen(path, "r");
    assert_non_null(before);
    assert_int_equal(setup_file_remove(path, NULL), STATUS_OK);
    assert_int_equal(access(path, F_OK), -1);
    size_t length = fread(bytes, 1, sizeof bytes, before);
    fclose(before);
    assert_true(length > 0);
    for (size_t i = 0; i < length; i++)
        assert_int_equal(bytes[i], 0);
    assert_int_equal(setup_file_remove(path, NULL), STATUS_OK);
}

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/setup", directory);
    snprintf(other, sizeof other, "%s/other", directory);
    return 0;
}

static int remove_files(void **state)
{
    (void)state;
    unlink(path);
    unlink(other);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(organization_and_key_are_enough),
        cmocka_unit_test(scopes_may_be_named),
        cmocka_unit_test(of_a_setting_that_stands_twice_the_last_counts),
        cmocka_unit_test(what_is_wrong_is_said_with_its_line_and_without_its_text),
        cmocka_unit_test_teardown(only_a_file_that_nobody_else_can_open_is_taken, remove_files),
        cmocka_unit_test_teardown(neither_a_link_nor_a_pipe_nor_a_directory_is_taken, remove_files),
        cmocka_unit_test_teardown(a_large_one_is_not_taken, remove_files),
        cmocka_unit_test_teardown(removing_it_leaves_nothing_of_its_text, remove_files),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
