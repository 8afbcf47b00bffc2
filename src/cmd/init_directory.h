/* The directory that `hookturn init` fills: made where it is not there, ours alone while it is filled, and put back as
 * it was where that fails. */
#ifndef HOOKTURN_CMD_INIT_DIRECTORY_H
#define HOOKTURN_CMD_INIT_DIRECTORY_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

struct init_directory {
    const char *path;    /* absolute; borrowed */
    const char *ours[2]; /* the names that init puts into it; NULL ends the list early */
    char **made;         /* the directories that init_directory_open made, outermost first */
    size_t made_count;
    int fd; /* locked */
    mode_t mode_before;
};

/* Makes it with all that is missing above it, each 0700, or takes the one that is there: without any of `ours`, and
 * the user's own (root becomes its owner). An empty one is made 0700; one that holds something else must be so already,
 * because shutting others out of it is not for us to decide. In: path and ours. EXIT_DONE, or EXIT_FAILED after its one
 * line, with nothing changed. */
int init_directory_open(struct init_directory *directory);
/* Removes `ours`, and what init_directory_open made. */
void init_directory_undo(struct init_directory *directory);
void init_directory_close(struct init_directory *directory);

#endif
