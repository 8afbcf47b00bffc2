/* Holds the manual to the tables: it names every command, option, operand and setting, in the tables' order, with
 * defaults and bounds, and none that does not exist. HOOKTURN_SOURCE names the source tree. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/conf_keys.h"
#include "cmd/command_table.h"

static void read_page(const char *name, struct buf *out)
{
    char path[1024], chunk[4096];
    const char *source = getenv("HOOKTURN_SOURCE");
    assert_non_null(source);
    snprintf(path, sizeof path, "%s/docs/man/%s", source, name);
    FILE *file = fopen(path, "r");
    assert_non_null(file);
    for (size_t length; (length = fread(chunk, 1, sizeof chunk, file)) > 0;)
        buf_append(out, chunk, length);
    fclose(file);
}

/* The text of a page's section, up to the next one. The caller clears. */
static struct buf read_section(const char *name, const char *heading)
{
    struct buf page = {0}, mark = {0}, section = {0};
    read_page(name, &page);
    buf_printf(&mark, "\n.Sh %s\n", heading);
    const char *start = strstr(buf_text(&page), buf_text(&mark));
    assert_non_null(start);
    start += mark.length - 1; /* with the newline before the first line */
    const char *end = strstr(start, "\n.Sh ");
    buf_append(&section, start, end ? (size_t)(end - start) + 1 : strlen(start));
    buf_clear(&mark);
    buf_clear(&page);
    return section;
}

/* The lines of `text` that begin with one of the prefixes. */
static struct buf lines_with(const char *text, const char *const *prefixes)
{
    struct buf lines = {0};
    for (size_t length; *text; text += length) {
        length = strcspn(text, "\n") + 1;
        for (const char *const *prefix = prefixes; *prefix; prefix++)
            if (strncmp(text, *prefix, strlen(*prefix)) == 0)
                buf_append(&lines, text, length);
    }
    return lines;
}

static void assert_lines(const struct buf *section, const char *const *prefixes, const struct buf *expected)
{
    struct buf found = lines_with(buf_text(section), prefixes);
    assert_string_equal(buf_text(&found), buf_text(expected));
    buf_clear(&found);
}

/* ---- hookturn(1) ---- */

static void append_option(const struct command_option *option, struct buf *out)
{
    buf_printf(out, "Fl %s%s%s", option->name + 1, option->value ? " Ar " : "", option->value ? option->value : "");
}

static void append_synopsis(const struct command *command, struct buf *out)
{
    const struct command_option *option;
    const struct command_operand *operand;
    buf_printf(out, ".Ss %s\n.Nm\n.Cm %s", command->name, command->name);
    for (size_t i = 0; (option = command_option_at(command, i)); i++) {
        buf_append_text(out, option->is_alternative ? " | " : option->is_required ? "\n." : "\n.Op ");
        append_option(option, out);
    }
    for (size_t i = 0; (operand = command_operand_at(command, i)); i++)
        buf_printf(out, "\n.%sAr %s", operand->is_optional ? "Op " : "", operand->name);
    buf_append_text(out, "\n");
}

static void append_items(const struct command *command, struct buf *out)
{
    for (size_t i = 0; command_option_at(command, i); i++) {
        buf_append_text(out, ".It ");
        append_option(command_option_at(command, i), out);
        buf_append_text(out, "\n");
    }
    for (size_t i = 0; command_operand_at(command, i); i++)
        buf_printf(out, ".It Ar %s\n", command_operand_at(command, i)->name);
}

static void each_command_has_its_synopsis_and_is_followed_by_its_text(void **state)
{
    (void)state;
    struct buf section = read_section("hookturn.1", "COMMANDS");
    for (const struct command *const *row = command_table; *row; row++) {
        struct buf synopsis = {0};
        append_synopsis(*row, &synopsis);
        buf_append_text(&synopsis, ".Pp\n");
        if (!strstr(buf_text(&section), buf_text(&synopsis)))
            fail_msg("hookturn.1 lacks:\n%s", buf_text(&synopsis));
        buf_clear(&synopsis);
    }
    buf_clear(&section);
}

static void the_page_lists_the_tables_commands_options_and_operands_and_no_others(void **state)
{
    (void)state;
    struct buf expected = {0};
    struct buf section = read_section("hookturn.1", "COMMANDS");
    for (const struct command *const *row = command_table; *row; row++) {
        buf_printf(&expected, ".Ss %s\n", (*row)->name);
        append_items(*row, &expected);
    }
    assert_lines(&section, (const char *[]){".Ss ", ".It Fl ", ".It Ar ", NULL}, &expected);
    buf_clear(&expected);
    buf_clear(&section);
}

/* ---- hookturn.conf(5) ---- */

static bool is_other_choice(const struct conf_key *key, const struct conf_choice *choice, int value)
{
    for (const struct conf_choice *earlier = key->choices; earlier < choice; earlier++)
        if (earlier->value == choice->value)
            return false;
    return choice->value != value;
}

/* "; or a, b": one word for each value but the default. */
static void append_choices(const struct conf_key *key, struct buf *out)
{
    int value = 0;
    const char *between = " ;\nor\n.Li ";
    for (const struct conf_choice *choice = key->choices; choice->word; choice++)
        if (strcmp(choice->word, key->fallback) == 0)
            value = choice->value;
    for (const struct conf_choice *choice = key->choices; choice->word; choice++)
        if (is_other_choice(key, choice, value)) {
            buf_printf(out, "%s%s", between, choice->word);
            between = " ,\n.Li ";
        }
}

static void append_default(const struct conf_key *key, struct buf *out)
{
    bool is_home = key->fallback[0] == '~';
    if (key->fallback[0] == '\0') {
        buf_append_text(out, "Default: empty.\n");
        return;
    }
    buf_printf(out, "Default:\n.Li %s%s", is_home ? "\\(ti" : "", key->fallback + (is_home ? 1 : 0));
    if (key->min)
        buf_printf(out, " ;\n.Li %s\nto\n.Li %s", key->min, key->max);
    if (key->choices)
        append_choices(key, out);
    buf_append_text(out, " .\n");
}

/* The text of one entry, up to the next or the list's end. The caller clears. */
static struct buf entry_of(const struct buf *section, const struct conf_key *key)
{
    struct buf head = {0}, entry = {0};
    buf_printf(&head, ".It Ic %s\n", key->name);
    append_default(key, &head);
    buf_append_text(&head, ".Pp\n");
    const char *start = strstr(buf_text(section), buf_text(&head));
    if (!start)
        fail_msg("hookturn.conf.5 lacks:\n%s", buf_text(&head));
    const char *end = strstr(start, "\n.It Ic ");
    buf_append(&entry, start, end ? (size_t)(end - start) : strlen(start));
    buf_clear(&head);
    return entry;
}

static void each_setting_has_its_default_and_bounds(void **state)
{
    (void)state;
    struct buf section = read_section("hookturn.conf.5", "SETTINGS");
    for (const struct conf_key *key = conf_keys; key->name; key++) {
        struct buf entry = entry_of(&section, key);
        for (const struct conf_choice *choice = key->choices; choice && choice->word; choice++)
            assert_non_null(strstr(buf_text(&entry), choice->word));
        buf_clear(&entry);
    }
    buf_clear(&section);
}

static void a_setting_without_effect_is_called_so_and_no_other(void **state)
{
    (void)state;
    struct buf section = read_section("hookturn.conf.5", "SETTINGS");
    for (const struct conf_key *key = conf_keys; key->name; key++) {
        struct buf entry = entry_of(&section, key);
        assert_true(!strstr(buf_text(&entry), "without effect") == !strstr(key->comment, "without effect"));
        buf_clear(&entry);
    }
    buf_clear(&section);
}

static void the_page_lists_the_tables_settings_and_no_others(void **state)
{
    (void)state;
    struct buf expected = {0};
    struct buf section = read_section("hookturn.conf.5", "SETTINGS");
    for (const struct conf_key *key = conf_keys; key->name; key++)
        buf_printf(&expected, ".It Ic %s\n", key->name);
    assert_lines(&section, (const char *[]){".It ", NULL}, &expected);
    buf_clear(&expected);
    buf_clear(&section);
}

/* What is said of a setting anywhere must be said of one that exists. */
static void no_page_speaks_of_a_setting_that_does_not_exist(void **state)
{
    (void)state;
    static const char *const pages[] = {"hookturn.1", "hookturn.conf.5", "hookturn.fcgi.8", NULL};
    for (const char *const *name = pages; *name; name++) {
        struct buf page = {0};
        read_page(*name, &page);
        struct buf lines = lines_with(buf_text(&page), (const char *[]){".Ic ", NULL});
        char *rest = NULL;
        for (char *line = strtok_r(lines.data, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
            line[4 + strcspn(line + 4, " ")] = '\0'; /* punctuation stands apart */
            assert_int_not_equal(conf_key_find(line + 4), -1);
        }
        buf_clear(&lines);
        buf_clear(&page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_command_has_its_synopsis_and_is_followed_by_its_text),
        cmocka_unit_test(the_page_lists_the_tables_commands_options_and_operands_and_no_others),
        cmocka_unit_test(each_setting_has_its_default_and_bounds),
        cmocka_unit_test(a_setting_without_effect_is_called_so_and_no_other),
        cmocka_unit_test(the_page_lists_the_tables_settings_and_no_others),
        cmocka_unit_test(no_page_speaks_of_a_setting_that_does_not_exist),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
