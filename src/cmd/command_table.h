/* The table of commands, and how a command is found in it. */
#ifndef HOOKTURN_CMD_COMMAND_TABLE_H
#define HOOKTURN_CMD_COMMAND_TABLE_H

#include <stddef.h>

#include "cmd/command.h"

/* Ends with NULL. Names of two words ("key create") stand together by their first, the group. */
extern const struct command *const command_table[];

/* The command that the first words name; *used becomes the number of those words. NULL: there is none. */
const struct command *command_find(char *const *words, size_t *used);
/* Whether names of two words begin with `word`. */
bool command_is_group(const char *word);
/* Whether the command belongs to the group `word`; to the group NULL belong all. */
bool command_is_in_group(const struct command *command, const char *word);
/* What may have been meant by words that name no command, and no group alone: a command's name, or its first word.
 * Empty: nothing is like them. */
struct slice command_suggest(char *const *words);

#endif
