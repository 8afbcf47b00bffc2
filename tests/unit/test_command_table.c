/* The table of commands is the one truth: what it must be like, how a command is found in it, and the usage. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "cmd/command_table.h"
#include "cmd/help.h"

static bool is_phrase(const char *text)
{
    return text && text[0] != '\0' && text[strlen(text) - 1] != '.' && !strchr(text, '\n');
}

static bool is_upper(const char *text)
{
    return text[0] != '\0' && text[strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZ_")] == '\0';
}

static void each_command_is_described(void **state)
{
    (void)state;
    for (const struct command *const *row = command_table; *row; row++) {
        assert_true(is_phrase((*row)->summary));
        assert_true((*row)->details[strlen((*row)->details) - 1] == '.');
        assert_true(!(*row)->examples || (*row)->examples[strlen((*row)->examples) - 1] == '\n');
        assert_non_null((*row)->run);
    }
}

static void names_are_unique_and_a_groups_stand_together(void **state)
{
    (void)state;
    for (const struct command *const *row = command_table; *row; row++) {
        char group[32] = "";
        size_t length = strcspn((*row)->name, " ");
        memcpy(group, (*row)->name, length);
        for (const struct command *const *other = row + 1; *other; other++) {
            assert_string_not_equal((*row)->name, (*other)->name);
            assert_string_not_equal((*other)->name, group);
            bool is_split = command_is_in_group(*other, group) && !command_is_in_group(other[-1], group);
            assert_false((*row)->name[length] == ' ' && is_split);
        }
    }
}

static void options_are_unique_and_described(void **state)
{
    (void)state;
    for (const struct command *const *row = command_table; *row; row++)
        for (size_t i = 0; command_option_at(*row, i); i++) {
            const struct command_option *option = &(*row)->options[i];
            assert_true(strncmp(option->name, "--", 2) == 0 && is_phrase(option->help));
            assert_true(!option->value || is_upper(option->value));
            assert_true(option->value || !option->is_required);
            assert_true(i > 0 || !option->is_alternative);
            for (size_t j = 0; j < i; j++)
                assert_string_not_equal(option->name, (*row)->options[j].name);
        }
}

static void operands_are_described_and_the_optional_ones_come_last(void **state)
{
    (void)state;
    for (const struct command *const *row = command_table; *row; row++)
        for (size_t i = 0; command_operand_at(*row, i); i++) {
            const struct command_operand *operand = &(*row)->operands[i];
            assert_true(is_upper(operand->name) && is_phrase(operand->help));
            assert_true(i == 0 || operand->is_optional || !operand[-1].is_optional);
        }
}

static void assert_found(char *const *words, const char *name, size_t used)
{
    size_t got;
    const struct command *command = command_find(words, &got);
    assert_non_null(command);
    assert_string_equal(command->name, name);
    assert_int_equal(got, used);
}

static void a_command_is_found_by_one_word_or_two(void **state)
{
    (void)state;
    size_t used;
    assert_found((char *[]){"deliver", "create", NULL}, "deliver", 1);
    assert_found((char *[]){"key", "list", "--json", NULL}, "key list", 2);
    assert_null(command_find((char *[]){"key", NULL}, &used));
    assert_null(command_find((char *[]){"key", "", NULL}, &used));
    assert_null(command_find((char *[]){"deliv", NULL}, &used));
    assert_true(command_is_group("key"));
    assert_false(command_is_group("ke") || command_is_group("deliver") || command_is_group(""));
}

static void assert_suggested(char *const *words, const char *name)
{
    struct slice got = command_suggest(words);
    if (name)
        assert_true(got.data && slice_equals(got, name));
    else
        assert_null(got.data);
}

static void the_nearest_command_is_suggested(void **state)
{
    (void)state;
    assert_suggested((char *[]){"delivr", NULL}, "deliver");
    assert_suggested((char *[]){"kye", "list", NULL}, "key");
    assert_suggested((char *[]){"key", "rewoke", NULL}, "key revoke");
    assert_suggested((char *[]){"key", "destroy", NULL}, NULL);
    assert_suggested((char *[]){"frobnicate", NULL}, NULL);
}

/* ---- the usage ---- */

static void assert_usage(const struct command *command, const char *expected)
{
    struct buf text = {0};
    help_append_usage(command, &text);
    assert_string_equal(buf_text(&text), expected);
    buf_clear(&text);
}

static void the_usage_shows_what_is_optional_and_what_excludes_each_other(void **state)
{
    (void)state;
    const struct command command = {
        .name = "test it",
        .options = {{.name = "--must", .value = "V", .is_required = true},
                    {.name = "--one"},
                    {.name = "--other", .value = "DURATION", .is_alternative = true},
                    {.name = "--third", .is_alternative = true},
                    {.name = "--json"}},
        .operands = {{.name = "NAME"}, {.name = "FILE", .is_optional = true}},
    };
    assert_usage(&command, "usage: hookturn test it --must V [--one | --other DURATION | --third] [--json]\n"
                           "                NAME [FILE]\n");
}

static void an_option_is_never_divided_by_a_line_break(void **state)
{
    (void)state;
    const struct command command = {
        .name = "test",
        .options = {{.name = "--a-rather-long-name", .value = "WITH_A_VALUE"},
                    {.name = "--another-long-name", .value = "WITH_A_VALUE"}},
    };
    assert_usage(&command, "usage: hookturn test [--a-rather-long-name WITH_A_VALUE]\n"
                           "                [--another-long-name WITH_A_VALUE]\n");
}

static void assert_lines_fit(const struct buf *text)
{
    for (const char *line = buf_text(text); *line; line += strcspn(line, "\n") + 1)
        assert_in_range(strcspn(line, "\n"), 0, 80);
}

static void help_fits_a_terminal_and_names_every_row(void **state)
{
    (void)state;
    struct buf list = {0};
    help_append_list(NULL, &list);
    assert_lines_fit(&list);
    for (const struct command *const *row = command_table; *row; row++) {
        struct buf text = {0};
        help_append_command(*row, &text);
        assert_non_null(strstr(buf_text(&list), (*row)->name));
        for (size_t i = 0; command_option_at(*row, i); i++)
            assert_non_null(strstr(strstr(buf_text(&text), "\n  "), (*row)->options[i].name));
        char *examples = strstr(buf_text(&text), "\nFor example:");
        if (examples)
            *examples = '\0'; /* they are not broken */
        assert_lines_fit(&text);
        buf_clear(&text);
    }
    buf_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_is_described),
        cmocka_unit_test(names_are_unique_and_a_groups_stand_together),
        cmocka_unit_test(options_are_unique_and_described),
        cmocka_unit_test(operands_are_described_and_the_optional_ones_come_last),
        cmocka_unit_test(a_command_is_found_by_one_word_or_two),
        cmocka_unit_test(the_nearest_command_is_suggested),
        cmocka_unit_test(the_usage_shows_what_is_optional_and_what_excludes_each_other),
        cmocka_unit_test(an_option_is_never_divided_by_a_line_break),
        cmocka_unit_test(help_fits_a_terminal_and_names_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
