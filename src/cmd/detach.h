/* Going into the background: for a worker that shall outlive whoever started it. */
#ifndef HOOKTURN_CMD_DETACH_H
#define HOOKTURN_CMD_DETACH_H

/* Runs `work` in a new process that belongs to no terminal, no session and no web server, with /dev/null as its
 * standard input, and output and errors appended to `output`. Returns in this process when `work` has called
 * detach_report, or has ended without: EXIT_DONE or EXIT_FAILED after its one line. `work` returns the new process's
 * exit status. */
int detach_run(int (*work)(void *context, int report), void *context, const char *output);
/* Tells the process that waits that all is well. */
void detach_report(int report);

#endif
