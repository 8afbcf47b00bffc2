/* Options and operands. getopt_long would do for one command; a table a command, read here, gives all of them the same
 * messages. */
#include "cmd/command.h"

#include <string.h>

#include "base/encoding.h"

static const struct command_option *find_option(const struct command_option *options, const char *word, size_t length)
{
    for (; options->name; options++)
        if (strlen(options->name) == length && memcmp(options->name, word, length) == 0)
            return options;
    return NULL;
}

/* argv[*i] is an option; moves *i to its last word. */
static int take_option(const struct command *command, const struct command_option *options, char **argv, int *i)
{
    const char *word = argv[*i];
    size_t length = strcspn(word, "=");
    const struct command_option *option = find_option(options, word, length);
    if (!option)
        return command_misused(command, "there is no option %.*s", (int)length, word);
    bool has_value = word[length] == '=';
    if (!option->value) {
        if (has_value)
            return command_misused(command, "%s takes no value", option->name);
        *option->flag = true;
        return EXIT_DONE;
    }
    if (*option->value)
        return command_misused(command, "%s is given twice", option->name);
    if (!has_value && !argv[*i + 1])
        return command_misused(command, "%s needs a value", option->name);
    *option->value = has_value ? word + length + 1 : argv[++*i];
    return EXIT_DONE;
}

int command_take_options(const struct command *command, const struct command_option *options, int *argc, char **argv)
{
    int kept = 1;
    bool options_ended = false;
    for (int i = 1; i < *argc; i++) {
        if (!options_ended && strcmp(argv[i], "--") == 0) {
            options_ended = true;
        } else if (!options_ended && argv[i][0] == '-' && argv[i][1] != '\0') { /* "-" alone is a file */
            int exit_status = take_option(command, options, argv, &i);
            if (exit_status != EXIT_DONE)
                return exit_status;
        } else {
            argv[kept++] = argv[i];
        }
    }
    argv[kept] = NULL;
    *argc = kept;
    return EXIT_DONE;
}

/* C0, DEL, and C1 in UTF-8: what a terminal would act on when the text is listed. */
static bool has_control_characters(const char *text)
{
    for (const unsigned char *c = (const unsigned char *)text; *c; c++)
        if (*c < 0x20 || *c == 0x7f || (c[0] == 0xc2 && c[1] >= 0x80 && c[1] <= 0x9f))
            return true;
    return false;
}

bool command_is_label(const char *text)
{
    enum { LABEL_MAX_CHARACTERS = 255 };
    size_t length = strlen(text);
    return utf8_is_valid(text, length) && !utf8_is_blank(text, length) &&
           utf8_length(text, length) <= LABEL_MAX_CHARACTERS && !has_control_characters(text);
}
