/* What may come next on a command line, by the tables: so the shell's script knows nothing of its own. */
#include "cmd/completion.h"

#include <string.h>

#include "cmd/command_table.h"

static void append_line(const char *text, size_t length, struct buf *out)
{
    buf_printf(out, "%.*s\n", (int)length, text);
}

/* The second words of a group, or all first words. Those of a group stand together, so one look back is enough. */
static void append_command_words(const char *group, struct buf *out)
{
    const char *before = "";
    for (const struct command *const *row = command_table; *row; row++) {
        if (!command_is_in_group(*row, group))
            continue;
        const char *word = (*row)->name + (group ? strlen(group) + 1 : 0);
        size_t length = strcspn(word, " ");
        if (strncmp(before, word, length + 1) != 0)
            append_line(word, length, out);
        before = word;
    }
}

/* The next words behind those of a command: the value of an option that ends them, or the options that were not given
 * and the next operand. */
static void append_rows(const struct command *command, char *const *words, struct buf *out)
{
    bool given[COMMAND_OPTIONS_MAX] = {false};
    bool options_ended = false;
    size_t operands = 0;
    for (; *words; words++) {
        const struct command_option *option = options_ended ? NULL : command_find_option(command, *words);
        bool wants_value = option && option->value && !strchr(*words, '=');
        if (wants_value && !words[1]) {
            append_line(option->value, strlen(option->value), out);
            return;
        }
        if (option)
            given[option - command->options] = true;
        else if (strcmp(*words, "--") == 0)
            options_ended = true;
        else
            operands++;
        words += wants_value ? 1 : 0;
    }
    for (size_t i = 0; !options_ended && command_option_at(command, i); i++)
        if (!given[i])
            buf_printf(out, "%s\n", command->options[i].name);
    if (command_operand_at(command, operands))
        buf_printf(out, "%s\n", command->operands[operands].name);
}

/* Steps over the options before the command. NULL where the words end with -c, whose value comes next. */
static char *const *behind_own_options(char *const *words)
{
    for (; *words && (*words)[0] == '-'; words++)
        if (strcmp(*words, "-c") == 0 && !*++words)
            return NULL;
    return words;
}

void completion_append(char *const *words, struct buf *out)
{
    size_t used;
    words = behind_own_options(words);
    if (!words) {
        buf_append_text(out, "CONF\n");
        return;
    }
    bool is_help = words[0] && strcmp(words[0], "help") == 0;
    words += is_help ? 1 : 0;
    if (!words[0] || (command_is_group(words[0]) && !words[1]))
        append_command_words(words[0], out);
    if (!words[0] && !is_help)
        buf_append_text(out, "help\n");
    const struct command *command = words[0] && !is_help ? command_find(words, &used) : NULL;
    if (command)
        append_rows(command, words + used, out);
}
