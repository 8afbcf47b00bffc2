/* Parent and child: the parent never opens the store, so it outlives a recovery; the child does the work. */
#ifndef HOOKTURN_CMD_FAMILY_H
#define HOOKTURN_CMD_FAMILY_H

#include <signal.h>
#include <stdbool.h>

/* Set by SIGTERM, SIGINT, SIGHUP and SIGXCPU in the child; the work looks at it. */
extern volatile sig_atomic_t family_stop;

/* Runs `work` in a child and returns its exit status. A child that left for a recovery (STORE_EXIT_LEFT) is started
 * anew, and with `restarts_killed` one that was killed as well, with a short pause; signals to the parent are passed
 * on; the child gets SIGTERM when the parent dies. SIGPIPE is ignored in both. */
int family_run(int (*work)(void *context), void *context, bool restarts_killed);

#endif
