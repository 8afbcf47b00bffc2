/* Options and operands. getopt_long would do for one command; a table a command, read here, gives all of them the same
 * messages. */
#include "cmd/command.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/mem.h"
#include "base/text.h"

static struct slice option_name_at(const void *context, size_t index)
{
    const struct command_option *option = command_option_at(context, index);
    return option ? slice_of(option->name) : (struct slice){NULL, 0};
}

const struct command_option *command_find_option(const struct command *command, const char *word)
{
    const struct command_option *option;
    struct slice name = {word, strcspn(word, "=")};
    for (size_t i = 0; (option = command_option_at(command, i)); i++)
        if (slice_equals(name, option->name))
            return option;
    return NULL;
}

static int refuse_option(const struct command *command, const char *given)
{
    char *word = mem_strndup(given, strcspn(given, "="));
    struct slice near = text_nearest(word, option_name_at, command);
    int exit_status;
    if (strncmp(word, "-c", 2) == 0)
        exit_status = command_misused(command, "-c CONF stands before the command");
    else if (near.data)
        exit_status = command_misused(command, "there is no option %s; did you mean %s?", word, near.data);
    else
        exit_status = command_misused(command, "there is no option %s", word);
    free(word);
    return exit_status;
}

/* words[*i] is an option; moves *i to its last word. */
static int take_option(const struct command *command, char **words, size_t *i, struct command_line *out)
{
    const char *word = words[*i];
    const char *equals = strchr(word, '=');
    const struct command_option *option = command_find_option(command, word);
    if (!option)
        return refuse_option(command, word);
    const char **value = &out->values[option - command->options];
    if (!option->value && equals)
        return command_misused(command, "%s takes no value", option->name);
    if (option->value && *value)
        return command_misused(command, "%s is given twice", option->name);
    if (option->value && !equals && !words[*i + 1])
        return command_misused(command, "%s needs a value", option->name);
    if (!option->value)
        *value = option->name;
    else
        *value = equals ? equals + 1 : words[++*i];
    return EXIT_DONE;
}

static int take_operand(const struct command *command, const char *word, struct command_line *out)
{
    for (size_t i = 0; command_operand_at(command, i); i++)
        if (!out->operands[i]) {
            out->operands[i] = word;
            return EXIT_DONE;
        }
    return command_misused(command, "%s is not understood", word);
}

static int take_words(const struct command *command, char **words, struct command_line *out)
{
    bool options_ended = false;
    int exit_status = EXIT_DONE;
    for (size_t i = 0; words[i] && exit_status == EXIT_DONE; i++) {
        if (!options_ended && strcmp(words[i], "--") == 0)
            options_ended = true;
        else if (!options_ended && words[i][0] == '-' && words[i][1] != '\0') /* "-" alone is a file */
            exit_status = take_option(command, words, &i, out);
        else
            exit_status = take_operand(command, words[i], out);
    }
    return exit_status;
}

/* The option before this one in its run of alternatives that was given as well; NULL: none. */
static const struct command_option *rival(const struct command *command, const struct command_line *line, size_t index)
{
    while (command->options[index].is_alternative)
        if (line->values[--index])
            return &command->options[index];
    return NULL;
}

/* Whether what was given is all that must be, and goes together. */
static int check_presence(const struct command *command, const struct command_line *line)
{
    const struct command_option *option, *other;
    for (size_t i = 0; (option = command_option_at(command, i)); i++) {
        if (option->is_required && !line->values[i])
            return command_misused(command, "%s %s is missing", option->name, option->value);
        if (line->values[i] && (other = rival(command, line, i)))
            return command_misused(command, "%s and %s do not go together", other->name, option->name);
    }
    const struct command_operand *operand;
    for (size_t i = 0; (operand = command_operand_at(command, i)); i++)
        if (!operand->is_optional && !line->operands[i])
            return command_misused(command, "%s is missing", operand->name);
    return EXIT_DONE;
}

int command_parse(const struct command *command, char **words, struct command_line *out)
{
    int exit_status = take_words(command, words, out);
    return exit_status == EXIT_DONE ? check_presence(command, out) : exit_status;
}

bool command_is_label(const char *text)
{
    enum { LABEL_MAX_CHARACTERS = 255 };
    size_t length = strlen(text);
    for (size_t i = 0, size; i < length; i += size)
        if ((size = utf8_printable_size(text + i, length - i)) == 0)
            return false;
    return !utf8_is_blank(text, length) && utf8_length(text, length) <= LABEL_MAX_CHARACTERS;
}
