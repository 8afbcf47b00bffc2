/* How a command's options and operands are told apart, by its table. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "cmd/command.h"

enum { VALUE, FLAG, EITHER, OR, THIRD };
enum { FIRST, SECOND };

static const struct command command = {
    .name = "test",
    .options = {[VALUE] = {.name = "--value", .value = "V"},
                [FLAG] = {.name = "--flag"},
                [EITHER] = {.name = "--either"},
                [OR] = {.name = "--or", .value = "V", .is_alternative = true},
                [THIRD] = {.name = "--third", .is_alternative = true}},
    .operands = {[FIRST] = {.name = "FIRST"}, [SECOND] = {.name = "SECOND", .is_optional = true}},
};

static int parse(char **words, struct command_line *out)
{
    *out = (struct command_line){0};
    return command_parse(&command, words, out);
}

static void options_stand_anywhere_among_operands(void **state)
{
    (void)state;
    struct command_line line;
    assert_int_equal(parse((char *[]){"a", "--value", "v", "-", "--flag", NULL}, &line), EXIT_DONE);
    assert_string_equal(line.operands[FIRST], "a");
    assert_string_equal(line.operands[SECOND], "-");
    assert_string_equal(line.values[VALUE], "v");
    assert_string_equal(line.values[FLAG], "--flag");
}

static void what_is_not_given_is_null(void **state)
{
    (void)state;
    struct command_line line;
    assert_int_equal(parse((char *[]){"a", NULL}, &line), EXIT_DONE);
    assert_null(line.operands[SECOND]);
    for (size_t i = 0; i < COMMAND_OPTIONS_MAX; i++)
        assert_null(line.values[i]);
}

static void a_value_may_follow_an_equals_sign(void **state)
{
    (void)state;
    struct command_line line;
    assert_int_equal(parse((char *[]){"--value=a=b", "", NULL}, &line), EXIT_DONE);
    assert_string_equal(line.values[VALUE], "a=b");
    assert_string_equal(line.operands[FIRST], "");
}

static void a_value_may_look_like_an_option(void **state)
{
    (void)state;
    struct command_line line;
    assert_int_equal(parse((char *[]){"--value", "--flag", "a", NULL}, &line), EXIT_DONE);
    assert_string_equal(line.values[VALUE], "--flag");
    assert_null(line.values[FLAG]);
}

static void two_dashes_end_the_options(void **state)
{
    (void)state;
    struct command_line line;
    assert_int_equal(parse((char *[]){"--", "--flag", "--", NULL}, &line), EXIT_DONE);
    assert_string_equal(line.operands[FIRST], "--flag");
    assert_string_equal(line.operands[SECOND], "--");
    assert_null(line.values[FLAG]);
}

static void what_does_not_fit_is_wrong_usage(void **state)
{
    (void)state;
    static char *wrong[][5] = {
        {NULL},                               /* an operand is missing */
        {"a", "b", "c", NULL},                /* there is one too many */
        {"a", "--valu", "v", NULL},           /* unknown, and no abbreviation */
        {"a", "--value", NULL},               /* without its value */
        {"a", "--flag=x", NULL},              /* a flag with one */
        {"a", "-x", NULL},                    /* nothing like any */
        {"a", "-c", "x", NULL},               /* in the wrong place */
        {"a", "--value=a", "--value=", NULL}, /* twice */
        {"a", "--either", "--or", "v", NULL}, /* one excludes the other */
        {"a", "--or=v", "--either", NULL},
        {"a", "--either", "--third", NULL},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        struct command_line line;
        assert_int_equal(parse(wrong[i], &line), EXIT_USAGE);
    }
}

static void a_required_option_must_be_given(void **state)
{
    (void)state;
    const struct command strict = {.name = "strict",
                                   .options = {{.name = "--must", .value = "V", .is_required = true}}};
    struct command_line line = {0};
    assert_int_equal(command_parse(&strict, (char *[]){NULL}, &line), EXIT_USAGE);
    assert_int_equal(command_parse(&strict, (char *[]){"--must=", NULL}, &line), EXIT_DONE);
    assert_string_equal(line.values[0], "");
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
        cmocka_unit_test(what_is_not_given_is_null),
        cmocka_unit_test(a_value_may_follow_an_equals_sign),
        cmocka_unit_test(a_value_may_look_like_an_option),
        cmocka_unit_test(two_dashes_end_the_options),
        cmocka_unit_test(what_does_not_fit_is_wrong_usage),
        cmocka_unit_test(a_required_option_must_be_given),
        cmocka_unit_test(labels_are_short_readable_texts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
