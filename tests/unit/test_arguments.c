/* How a command's options and operands are told apart. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "cmd/command.h"

static const struct command command = {.name = "test", .synopsis = "[--value V] [--flag] OPERANDS"};

static const char *value;
static bool flag;

/* Runs the words through; the operands that are left stand behind words[0]. */
static int take(char **words, int *count)
{
    const struct command_option options[] = {{"--value", &value, NULL}, {"--flag", NULL, &flag}, {0}};
    value = NULL;
    flag = false;
    for (*count = 0; words[*count];)
        ++*count;
    return command_take_options(&command, options, count, words);
}

static void options_stand_anywhere_among_operands(void **state)
{
    (void)state;
    char *words[] = {"test", "a", "--value", "v", "b", "--flag", "-", NULL};
    int count;
    assert_int_equal(take(words, &count), EXIT_DONE);
    assert_int_equal(count, 4);
    assert_string_equal(words[1], "a");
    assert_string_equal(words[2], "b");
    assert_string_equal(words[3], "-");
    assert_null(words[4]);
    assert_string_equal(value, "v");
    assert_true(flag);
}

static void a_value_may_follow_an_equals_sign(void **state)
{
    (void)state;
    char *words[] = {"test", "--value=a=b", NULL};
    int count;
    assert_int_equal(take(words, &count), EXIT_DONE);
    assert_int_equal(count, 1);
    assert_string_equal(value, "a=b");
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    char *words[] = {"test", "--", "--flag", "--", NULL};
    int count;
    assert_int_equal(take(words, &count), EXIT_DONE);
    assert_int_equal(count, 3);
    assert_string_equal(words[1], "--flag");
    assert_string_equal(words[2], "--");
    assert_false(flag);
}

static void what_does_not_fit_is_wrong_usage(void **state)
{
    (void)state;
    static char *wrong[][4] = {{"test", "--valu", "v", NULL},
                               {"test", "--value", NULL, NULL},
                               {"test", "--flag=x", NULL, NULL},
                               {"test", "-x", NULL, NULL},
                               {"test", "--value=a", "--value=b", NULL}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int count;
        assert_int_equal(take(wrong[i], &count), EXIT_USAGE);
    }
}

static void labels_are_short_readable_texts(void **state)
{
    (void)state;
    char text[257];
    memset(text, 'a', sizeof text - 1);
    text[256] = '\0';
    assert_false(command_is_label(text));
    text[255] = '\0';
    assert_true(command_is_label(text));
    assert_true(command_is_label("Gr\xc3\xb6\xc3\x9f"
                                 "e 1"));
    assert_false(command_is_label(""));
    assert_false(command_is_label(" \xc2\xa0"));
    assert_false(command_is_label("a\x1b[2J"));
    assert_false(command_is_label("a\xc2\x9b"
                                  "2J"));
    assert_false(command_is_label("a\xff"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere_among_operands),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(what_does_not_fit_is_wrong_usage),
        cmocka_unit_test(labels_are_short_readable_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
