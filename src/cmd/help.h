/* What `hookturn help` says, made from the tables. Lines have at most 80 characters. */
#ifndef HOOKTURN_CMD_HELP_H
#define HOOKTURN_CMD_HELP_H

#include "cmd/command.h"

/* "usage: hookturn NAME …", with what is optional in brackets. */
void help_append_usage(const struct command *command, struct buf *out);
/* The usage, and all that the tables say about the command. */
void help_append_command(const struct command *command, struct buf *out);
/* A line for each command of a group; NULL: for all. */
void help_append_list(const char *group, struct buf *out);

#endif
