/* The `hookturn` command: finds the command in the table and runs it. */
#include "config.h"

#include <stdarg.h>
#include <string.h>

#include "base/crypto.h"
#include "base/process.h"
#include "cmd/command_table.h"
#include "cmd/completion.h"
#include "cmd/help.h"
#include "delivery/curl_library.h"

static int print_and_clear(struct buf *text)
{
    int exit_status = command_print(text);
    buf_clear(text);
    return exit_status;
}

static int print_overview(void)
{
    struct buf text = {0};
    buf_append_text(&text, "usage: hookturn [-c CONF] COMMAND ...\n\nCommands:\n");
    help_append_list(NULL, &text);
    buf_append_text(&text, "\n`hookturn help COMMAND` says more, `hookturn --version` which version this is.\n"
                           "The configuration is CONF, else $HOOKTURN_CONF, else\n"
                           "~/.hookturn/hookturn.conf, else " HOOKTURN_SYSCONF ".\n");
    return print_and_clear(&text);
}

static int print_help(const struct command *command)
{
    struct buf text = {0};
    help_append_command(command, &text);
    return print_and_clear(&text);
}

static int print_group(const char *group)
{
    struct buf text = {0};
    buf_printf(&text, "usage: hookturn %s COMMAND ...\n\nCommands:\n", group);
    help_append_list(group, &text);
    buf_printf(&text, "\n`hookturn help %s COMMAND` says more.\n", group);
    return print_and_clear(&text);
}

static int print_version(void)
{
    struct buf text = {0};
    buf_append_text(&text, "hookturn " PACKAGE_VERSION "\n");
    return print_and_clear(&text);
}

static int PRINTF_LIKE(1, 2) misused(const char *format, ...)
{
    struct buf text = {0};
    va_list arguments;
    va_start(arguments, format);
    buf_vprintf(&text, format, arguments);
    va_end(arguments);
    command_fail("%s; `hookturn help` lists the commands", buf_text(&text));
    buf_clear(&text);
    return EXIT_USAGE;
}

/* What stands behind the group's name: "create, list, revoke". */
static void append_second_words(const char *group, struct buf *out)
{
    for (const struct command *const *row = command_table; *row; row++)
        if (command_is_in_group(*row, group))
            buf_printf(out, "%s%s", out->length > 0 ? ", " : "", (*row)->name + strlen(group) + 1);
}

static int incomplete_command(const char *group)
{
    struct buf words = {0};
    append_second_words(group, &words);
    int exit_status = misused("%s needs a second word, one of: %s", group, buf_text(&words));
    buf_clear(&words);
    return exit_status;
}

static int unknown_command(char **words)
{
    bool is_in_group = command_is_group(words[0]);
    struct slice meant = command_suggest(words);
    struct buf text = {0};
    buf_printf(&text, "\"%s%s%s\"", words[0], is_in_group ? " " : "", is_in_group ? words[1] : "");
    if (meant.data)
        buf_printf(&text, " (did you mean \"%.*s\"?)", (int)meant.length, meant.data);
    int exit_status = misused("there is no command %s", buf_text(&text));
    buf_clear(&text);
    return exit_status;
}

static bool is_group_alone(char **words)
{
    return command_is_group(words[0]) && (!words[1] || words[1][0] == '-');
}

static int help(char **words)
{
    size_t used;
    const struct command *command = command_find(words, &used);
    if (command)
        return print_help(command);
    return is_group_alone(words) ? print_group(words[0]) : unknown_command(words);
}

static int print_completion(char **words)
{
    struct buf text = {0};
    completion_append(words, &text);
    return print_and_clear(&text);
}

static int answer_help(char **words)
{
    if (!words[0])
        return print_overview();
    return strcmp(words[0], "--words") == 0 ? print_completion(words + 1) : help(words);
}

static bool asks_for_help(char **words)
{
    for (; *words && strcmp(*words, "--") != 0; words++)
        if (strcmp(*words, "--help") == 0 || strcmp(*words, "-h") == 0)
            return true;
    return false;
}

static int run_command(const char *conf_path, char **words)
{
    size_t used;
    struct command_line line = {.conf_path = conf_path};
    if (asks_for_help(words))
        return help(words);
    const struct command *command = command_find(words, &used);
    if (!command)
        return is_group_alone(words) ? incomplete_command(words[0]) : unknown_command(words);
    int exit_status = command_parse(command, words + used, &line);
    return exit_status == EXIT_DONE ? command->run(command, &line) : exit_status;
}

/* The options before the command; the first other word is the command. */
static int run(int argc, char **argv)
{
    const char *conf_path = NULL;
    int i = 1;
    for (; i < argc && argv[i][0] == '-'; i++) {
        if (strcmp(argv[i], "--version") == 0)
            return print_version();
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return answer_help(argv + i + 1);
        if (strncmp(argv[i], "-c", 2) != 0)
            return misused("there is no option \"%s\" before the command", argv[i]);
        conf_path = argv[i][2] ? argv[i] + 2 : argv[++i];
        if (!conf_path || !*conf_path)
            return misused("-c needs the path of a configuration");
    }
    if (i >= argc)
        return misused("no command was given");
    if (strcmp(argv[i], "help") == 0)
        return answer_help(argv + i + 1);
    return run_command(conf_path, argv + i);
}

int main(int argc, char **argv)
{
    process_protect();
    if (!curl_library_is_linked())
        crypto_alone();
    return run(argc, argv);
}
