/* What may come next on a command line. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "cmd/command_table.h"
#include "cmd/completion.h"

/* The words are given as one text, with single spaces. */
static void assert_next(const char *typed, const char *expected)
{
    char copy[128], *words[16], *rest = NULL;
    size_t count = 0;
    struct buf got = {0};
    strcpy(copy, typed);
    for (char *word = strtok_r(copy, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        words[count++] = word;
    words[count] = NULL;
    completion_append(words, &got);
    assert_string_equal(buf_text(&got), expected);
    buf_clear(&got);
}

static bool has_line(const char *text, const char *line, size_t length)
{
    for (; *text; text += strcspn(text, "\n") + 1)
        if (strcspn(text, "\n") == length && memcmp(text, line, length) == 0)
            return true;
    return false;
}

static void the_first_word_is_any_commands_or_help(void **state)
{
    (void)state;
    struct buf got = {0};
    completion_append((char *[]){NULL}, &got);
    for (const struct command *const *row = command_table; *row; row++)
        assert_true(has_line(buf_text(&got), (*row)->name, strcspn((*row)->name, " ")));
    assert_true(has_line(buf_text(&got), "help", 4));
    assert_null(strstr(strstr(buf_text(&got), "\nkey\n") + 1, "\nkey\n")); /* a group stands there once */
    buf_clear(&got);
}

static void a_groups_second_words_follow_it_also_behind_help(void **state)
{
    (void)state;
    assert_next("key", "create\nlist\nrevoke\n");
    assert_next("help key", "create\nlist\nrevoke\n");
    assert_next("help key list", "");
    assert_next("help deliver", "");
}

static void options_follow_a_command_until_they_are_given(void **state)
{
    (void)state;
    assert_next("key list", "--json\n");
    assert_next("key list --json", "");
    assert_next("init --data=x", "");
    assert_next("init --data x", "");
}

static void an_options_value_follows_it(void **state)
{
    (void)state;
    assert_next("init --data", "DIR\n");
    assert_next("publish A.b --organization", "UUID\n");
    assert_next("publish --agent --organization", "--organization\n--workspace\n--trace\n--json\nEVENT_NAME\n");
}

static void operands_follow_in_their_order(void **state)
{
    (void)state;
    assert_next("key revoke", "KEY_ID\n");
    assert_next("key revoke 0", "");
    assert_next("publish -- --json", "FILE\n");
    assert_next("publish -- A.b x", "");
}

static void a_configuration_follows_c(void **state)
{
    (void)state;
    assert_next("-c", "CONF\n");
    assert_next("-c x key", "create\nlist\nrevoke\n");
    assert_next("-cx key list", "--json\n");
}

static void nothing_follows_what_makes_no_sense(void **state)
{
    (void)state;
    assert_next("frobnicate", "");
    assert_next("key frobnicate", "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_word_is_any_commands_or_help),
        cmocka_unit_test(a_groups_second_words_follow_it_also_behind_help),
        cmocka_unit_test(options_follow_a_command_until_they_are_given),
        cmocka_unit_test(an_options_value_follows_it),
        cmocka_unit_test(operands_follow_in_their_order),
        cmocka_unit_test(a_configuration_follows_c),
        cmocka_unit_test(nothing_follows_what_makes_no_sense),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
