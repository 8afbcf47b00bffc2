/* What every program does first, before it opens anything. */
#ifndef HOOKTURN_BASE_PROCESS_H
#define HOOKTURN_BASE_PROCESS_H

/* Afterwards the descriptors 0 to 2 are open (/dev/null where they were not), there will be no core file, other
 * processes of the same user cannot look into the memory, files that are made are this user's alone, and writing to a
 * pipe that nobody reads is an error like others. */
void process_protect(void);

#endif
