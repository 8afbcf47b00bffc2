/* Processes that stand still (SIGSTOP) while others wait for what they hold. They do not die, so nothing else makes
 * them let go; and who has stopped one and forgotten it has stopped the service. Where others have waited in vain they
 * are killed, which loses nothing that was promised. */
#ifndef HOOKTURN_STORE_BDB_GATE_STOPPED_H
#define HOOKTURN_STORE_BDB_GATE_STOPPED_H

#include <stdbool.h>

/* Whether the process stands still now. False where that cannot be known. */
bool gate_is_stopped(long pid);
/* SIGKILL for the process that holds the flock of `file` (a descriptor of the gate's file), where it stands still and
 * is the same user's. True when there was one. */
bool gate_kill_stopped_holder(int file);

#endif
