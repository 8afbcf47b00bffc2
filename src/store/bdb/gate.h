/* The gate: who may open Berkeley DB's environment, when it must be recovered first, and when a process has to leave
 * it.
 *
 * Berkeley DB's mutexes are not robust: a process that is killed inside them leaves the others asleep for ever. So
 * every process that opens the environment holds the lock of an entry in live/; whoever finds an entry that nobody
 * holds knows that its owner died, and everybody leaves for one recovery. In the environment's home stand:
 *
 *     gate             flock: one process at a time opens or recovers
 *     epoch            a number, raised by each recovery
 *     ready            exists while the environment's regions can be trusted
 *     reserve          disk space that recovery may need, and a live entry where there is none
 *     live/<pid>-<ns>  pid, start time and pid namespace of a process; its lock is held while that process lives */
#ifndef HOOKTURN_STORE_BDB_GATE_H
#define HOOKTURN_STORE_BDB_GATE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"
#include "store/bdb/gate_watch.h"

struct gate;

/* Makes live/ and the reserve in an empty home. STATUS_FULL, STATUS_IO. */
enum status gate_create(const char *home, struct failure *failure) MUST_USE;

/* Takes the gate's lock (at most wait_ms; a holder that stands still is killed then), finds out whether recovery is
 * needed, and if so makes every other process leave (asked first, killed after half a second, given up after 4 s) and
 * gives the reserve's space back. Then makes the own live entry. *needs_recovery: open with DB_RECOVER, and alone. The
 * gate's lock stays held until gate_ready or gate_leave. STATUS_UNAVAILABLE: waited in vain. */
enum status gate_enter(const char *home, int64_t wait_ms, enum gate_watcher watcher, struct gate **out,
                       bool *needs_recovery, struct failure *failure) MUST_USE;
/* The environment is open: makes the reserve again and lets others in; after a recovery it marks the environment ready
 * and removes dead entries first. From here on (without recovery: from gate_enter on) a watcher ends this process by
 * _exit(STORE_EXIT_LEFT) when another one died or recovery was asked for. */
enum status gate_ready(struct gate *gate, struct failure *failure) MUST_USE;
/* Takes the gate's lock alone, for putting another home into this one's place: nobody comes in until *fd is closed; and
 * who waited for it meanwhile finds out that the home is another one. STATUS_UNAVAILABLE: waited in vain. */
enum status gate_hold(const char *home, int64_t wait_ms, int *fd, struct failure *failure) MUST_USE;
/* After the environment was closed cleanly (or could not be opened): stops the watcher, removes the own entry, frees.
 */
void gate_leave(struct gate *gate);
/* Berkeley DB said DB_RUNRECOVERY (or a verb hangs on what it left): takes `ready` away, so that the next process
 * recovers, and makes this process leave. Callable from any thread. */
void gate_condemn(struct gate *gate);
/* A verb waited in vain for what other processes have locked: kills those of them that stand still (SIGSTOP), so that
 * their deaths are found and recovered from. Callable from any thread. */
void gate_end_stopped(struct gate *gate);
/* True from the moment that this process is about to leave. */
bool gate_is_leaving(const struct gate *gate);
/* The live entry's place among the entries (0, 1, …), different for processes that live at once where there are at
 * most 16 of them: spreads writers over lanes. */
unsigned gate_slot(const struct gate *gate);

#endif
