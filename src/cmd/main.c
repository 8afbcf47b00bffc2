/* The `hookturn` command: finds the command in the table and runs it. */
#include "config.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "base/process.h"
#include "cmd/command.h"

static const struct command *const commands[] = {&command_init, &command_key, &command_deliver, &command_publish};
enum { COMMANDS = sizeof commands / sizeof commands[0] };

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < COMMANDS; i++)
        if (strcmp(commands[i]->name, name) == 0)
            return commands[i];
    return NULL;
}

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
    for (size_t i = 0; i < COMMANDS; i++)
        buf_printf(&text, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    buf_append_text(&text, "\n`hookturn help COMMAND` says more, `hookturn --version` which version this is.\n"
                           "The configuration is CONF, else $HOOKTURN_CONF, else ~/.hookturn/hookturn.conf, else\n"
                           "" HOOKTURN_SYSCONF ".\n");
    return print_and_clear(&text);
}

static int print_help(const struct command *command)
{
    struct buf text = {0};
    command_append_usage(command, &text);
    buf_printf(&text, "\n%s.\n\n%s", command->summary, command->details);
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
    va_list arguments;
    va_start(arguments, format);
    fputs("hookturn: ", stderr);
    vfprintf(stderr, format, arguments);
    fputs("; `hookturn help` lists the commands\n", stderr);
    va_end(arguments);
    return EXIT_USAGE;
}

static int help(char **argv)
{
    if (!argv[1])
        return print_overview();
    const struct command *command = find_command(argv[1]);
    return command ? print_help(command) : misused("there is no command \"%s\"", argv[1]);
}

static bool asks_for_help(char **argv)
{
    for (int i = 1; argv[i] && strcmp(argv[i], "--") != 0; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return false;
}

static int run_command(const char *conf_path, int argc, char **argv)
{
    const struct command *command = find_command(argv[0]);
    if (!command)
        return misused("there is no command \"%s\"", argv[0]);
    if (asks_for_help(argv))
        return print_help(command);
    return command->run(command, conf_path, argc, argv);
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
            return print_overview();
        if (strncmp(argv[i], "-c", 2) != 0)
            return misused("there is no option \"%s\" before the command", argv[i]);
        conf_path = argv[i][2] ? argv[i] + 2 : argv[++i];
        if (!conf_path)
            return misused("-c needs the path of a configuration");
    }
    if (i >= argc)
        return misused("no command was given");
    if (strcmp(argv[i], "help") == 0)
        return help(argv + i);
    return run_command(conf_path, argc - i, argv + i);
}

int main(int argc, char **argv)
{
    process_protect();
    return run(argc, argv);
}
