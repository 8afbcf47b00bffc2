/* The command line: one table of commands (main.c), one file a command. */
#ifndef HOOKTURN_CMD_COMMAND_H
#define HOOKTURN_CMD_COMMAND_H

#include <stdbool.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/status.h"
#include "store/store.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

struct command {
    const char *name;     /* "key" */
    const char *synopsis; /* what stands behind the name; several lines where there are forms */
    const char *summary;  /* one line */
    const char *details;  /* paragraphs for `hookturn help NAME` */
    bool is_service;      /* logs to stderr at the configured level; others show a person errors alone there */
    int (*run)(const struct command *command, const char *conf_path, int argc, char **argv); /* argv[0] is the name */
};

extern const struct command command_init, command_key, command_deliver, command_publish;

/* ---- what a person is told ---- */

/* One line on stderr, "hookturn: …", and EXIT_FAILED. */
int command_fail(const char *format, ...) PRINTF_LIKE(1, 2);
/* "hookturn NAME: …" with the synopsis, and EXIT_USAGE. */
int command_misused(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* Writes all of it to stdout at once. 0, or errno. */
int command_write(const struct buf *text);
/* The same. EXIT_DONE, or EXIT_FAILED after its one line. */
int command_print(const struct buf *text);
/* "hookturn NAME" before each line of the synopsis. */
void command_append_usage(const struct command *command, struct buf *out);

/* ---- arguments ---- */

/* One row of a command's options; `--name VALUE` and `--name=VALUE`, or `--name` alone for a flag. */
struct command_option {
    const char *name;   /* "--json"; NULL ends the table */
    const char **value; /* where the value goes; NULL: a flag */
    bool *flag;
};

/* Takes the options out of argv; what stays behind argv[0] are the operands, *argc with it. `--` ends the options.
 * EXIT_DONE, or EXIT_USAGE after its lines. */
int command_take_options(const struct command *command, const struct command_option *options, int *argc, char **argv);
/* 1 to 255 characters of valid UTF-8, not blank, without control characters. */
bool command_is_label(const char *text);

/* ---- before and around the store ---- */

/* Loads the configuration, opens the log, and becomes the data directory's owner (root does) or refuses. EXIT_DONE, or
 * the status to end with after its one line. */
int command_prepare(const struct command *command, const char *conf_path, struct conf *out);
/* The second half of it, for a configuration that is loaded already. */
int command_start_log(const struct command *command, const struct conf *conf);
/* Root becomes the user that owns `directory`, with that user's groups and HOME; others must own it. EXIT_DONE, or
 * EXIT_FAILED after its one line. */
int command_become_owner(const char *directory);

/* In a child: store_open for a command. EXIT_DONE, or the status to end with after its one line. */
int command_open_store(const struct conf *conf, struct store **out);
/* What a child ends with after a verb returned `status`, which is not STATUS_OK: STORE_EXIT_LEFT where the parent shall
 * start another, else EXIT_FAILED after the one line "cannot WHAT: why; what to do". */
int command_fail_verb(enum status status, const char *what);

#endif
