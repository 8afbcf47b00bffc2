/* What every program does first, before it opens anything. */
#ifndef HOOKTURN_BASE_PROCESS_H
#define HOOKTURN_BASE_PROCESS_H

/* Afterwards the descriptors 0 to 2 are open (/dev/null where they were not; writing to 1 is then an error), there will
 * be no core file, other processes of the same user cannot look into the memory, files that are made are this user's
 * alone, and writing to a pipe that nobody reads, or beyond a limit on a file's size, is an error like others; children
 * can be waited for, and some thousand files may be open where the hard limit allows it. */
void process_protect(void);

/* For a process that will live in the background: closes every descriptor above 2. They are another program's, a web
 * server's pipes and sockets, which would stay open as long as we do. Before anything of our own is open. */
void process_close_inherited(void);

#endif
