/* How the commands speak to a person: one line when something went wrong, the usage when they were misused. */
#include "cmd/help.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/text.h"

/* One line on stderr. It may quote an argument or a file, which somebody else wrote. */
static void PRINTF_LIKE(2, 0) say(const char *who, const char *format, va_list arguments)
{
    struct buf text = {0}, line = {0};
    buf_vprintf(&text, format, arguments);
    text_append_printable(buf_text(&text), &line);
    fprintf(stderr, "%s: %s\n", who, buf_text(&line));
    buf_clear(&text);
    buf_clear(&line);
}

int command_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    say("hookturn", format, arguments);
    va_end(arguments);
    return EXIT_FAILED;
}

int command_misused(const struct command *command, const char *format, ...)
{
    va_list arguments;
    struct buf text = {0};
    buf_printf(&text, "hookturn %s", command->name);
    va_start(arguments, format);
    say(buf_text(&text), format, arguments);
    va_end(arguments);
    buf_reset(&text);
    help_append_usage(command, &text);
    fprintf(stderr, "%sTry `hookturn help %s`.\n", buf_text(&text), command->name);
    buf_clear(&text);
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
