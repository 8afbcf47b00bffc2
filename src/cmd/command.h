/* The command line: one table of commands (main.c), one file a command. */
#ifndef HOOKTURN_CMD_COMMAND_H
#define HOOKTURN_CMD_COMMAND_H

#include "base/conf.h"
#include "base/status.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;     /* "key" */
    const char *synopsis; /* what stands behind the name; several lines where there are forms */
    const char *summary;  /* one line */
    const char *details;  /* paragraphs for `hookturn help NAME` */
    int (*run)(const struct command *command, const char *conf_path, int argc, char **argv); /* argv[0] is the name */
};

extern const struct command command_init, command_key, command_deliver, command_publish;

/* One line on stderr, "hookturn: …", and EXIT_FAILED. */
int command_fail(const char *format, ...) PRINTF_LIKE(1, 2);
/* "hookturn NAME: …" with the synopsis, and EXIT_USAGE. */
int command_misused(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* Loads the configuration, opens the log, and becomes the data directory's owner (root does) or refuses. EXIT_DONE, or
 * the status to end with after its one line. */
int command_prepare(const char *conf_path, struct conf *out);

#endif
