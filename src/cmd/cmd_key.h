/* The larger verbs of `hookturn key`. argv[0] is the verb. */
#ifndef HOOKTURN_CMD_CMD_KEY_H
#define HOOKTURN_CMD_CMD_KEY_H

#include "cmd/command.h"

int key_create_run(const struct command *command, const char *conf_path, int argc, char **argv);
int key_list_run(const struct command *command, const char *conf_path, int argc, char **argv);

#endif
