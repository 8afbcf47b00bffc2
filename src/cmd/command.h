/* The command line: one table of commands (command_table.c), one file a command. */
#ifndef HOOKTURN_CMD_COMMAND_H
#define HOOKTURN_CMD_COMMAND_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/status.h"
#include "store/store.h"

enum { EXIT_DONE = 0, EXIT_FAILED = 1, EXIT_USAGE = 2 };

/* ---- the tables: a command is described once; parsing, usage, help and completion follow from that ---- */

enum { COMMAND_OPTIONS_MAX = 8, COMMAND_OPERANDS_MAX = 2 };

/* `--name VALUE` and `--name=VALUE`, or `--name` alone for a flag. A row without a name ends the list. */
struct command_option {
    const char *name;  /* "--for" */
    const char *value; /* what stands for its value, "DURATION"; NULL: a flag */
    const char *help;  /* a phrase without a full stop, on one line however long */
    bool is_required;
    bool is_alternative; /* to the options before it, back to the first that is none: at most one of them is given */
};

struct command_operand {
    const char *name; /* "FILE" */
    const char *help;
    bool is_optional; /* then those behind it are as well */
};

/* What was given, in the order of the tables. Borrowed from argv. */
struct command_line {
    const char *conf_path;                      /* -c; NULL: not given */
    const char *values[COMMAND_OPTIONS_MAX];    /* NULL: not given; a flag's is its name */
    const char *operands[COMMAND_OPERANDS_MAX]; /* NULL: not given */
};

struct command {
    const char *name;     /* "publish", "key create" */
    const char *summary;  /* a phrase without a full stop */
    const char *details;  /* paragraphs, each on one line */
    const char *examples; /* lines as they are typed, each ended; NULL: none */
    struct command_option options[COMMAND_OPTIONS_MAX];
    struct command_operand operands[COMMAND_OPERANDS_MAX];
    bool is_service; /* logs to stderr at the configured level; others show a person errors alone there */
    int (*run)(const struct command *command, const struct command_line *line); /* returns the exit status */
};

extern const struct command command_backup, command_deliver, command_doctor, command_export, command_import,
    command_init, command_key_create, command_key_list, command_key_revoke, command_publish, command_purge,
    command_recover, command_rekey, command_restore, command_status;

/* The row at an index; NULL behind the last. */
static inline const struct command_option *command_option_at(const struct command *command, size_t index)
{
    return index < COMMAND_OPTIONS_MAX && command->options[index].name ? &command->options[index] : NULL;
}
static inline const struct command_operand *command_operand_at(const struct command *command, size_t index)
{
    return index < COMMAND_OPERANDS_MAX && command->operands[index].name ? &command->operands[index] : NULL;
}
/* The option that a word such as "--for" or "--for=55s" names; NULL: none. */
const struct command_option *command_find_option(const struct command *command, const char *word);

/* ---- what a person is told ---- */

/* One line on stderr, "hookturn: …", and EXIT_FAILED. */
int command_fail(const char *format, ...) PRINTF_LIKE(1, 2);
/* "hookturn NAME: …" with the usage, and EXIT_USAGE. */
int command_misused(const struct command *command, const char *format, ...) PRINTF_LIKE(2, 3);
/* Writes all of it to stdout at once. 0, or errno. */
int command_write(const struct buf *text);
/* The same. EXIT_DONE, or EXIT_FAILED after its one line. */
int command_print(const struct buf *text);

/* ---- arguments ---- */

/* Reads the words behind the command's name, up to NULL, into the values and operands of `out`, which must be empty.
 * `--` ends the options. EXIT_DONE, or EXIT_USAGE after its lines. */
int command_parse(const struct command *command, char **words, struct command_line *out);
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
