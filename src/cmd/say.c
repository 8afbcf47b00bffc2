/* How the commands speak to a person: one line when something went wrong, the usage when they were misused. */
#include "cmd/help.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

int command_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fputs("hookturn: ", stderr);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    return EXIT_FAILED;
}

int command_misused(const struct command *command, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "hookturn %s: ", command->name);
    vfprintf(stderr, format, arguments);
    fputc('\n', stderr);
    va_end(arguments);
    struct buf usage = {0};
    help_append_usage(command, &usage);
    fprintf(stderr, "%sTry `hookturn help %s`.\n", buf_text(&usage), command->name);
    buf_clear(&usage);
    return EXIT_USAGE;
}

int command_write(const struct buf *text)
{
    for (size_t done = 0; done < text->length;) {
        ssize_t written = write(STDOUT_FILENO, text->data + done, text->length - done);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return errno;
        done += (size_t)written;
    }
    return 0;
}

int command_print(const struct buf *text)
{
    int error = command_write(text);
    return error == 0 ? EXIT_DONE : command_fail("cannot write to the standard output: %s", strerror(error));
}
