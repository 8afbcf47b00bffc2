/* The entries of live/: one locked file for each process that has the environment open. The lock is the truth; the text
 * in the file (pid, start time, pid namespace, slot) only says whom to end when it does not leave by itself. */
#ifndef HOOKTURN_STORE_BDB_LIVE_H
#define HOOKTURN_STORE_BDB_LIVE_H

#include <stdbool.h>
#include <stddef.h>

#include "base/status.h"

enum { LIVE_SLOTS = 64, LIVE_NAME = 64 };

/* What a look through live/ found. */
struct live_census {
    size_t alive;                /* entries whose lock is held, the own one included */
    size_t dead;                 /* entries that nobody holds: their owners died inside the store */
    bool slot_taken[LIVE_SLOTS]; /* by those that are alive */
};

/* Looks through `live_dir` (a directory's descriptor). STATUS_IO when it cannot be read. */
enum status live_count(int live_dir, struct live_census *out) MUST_USE;
/* Whether there is a dead one. Callable from a signal handler. False also when it cannot be read. */
bool live_has_dead(int live_dir);
/* Makes and locks the own entry; `name` gets its file name. *out_fd holds the lock until it is closed. */
enum status live_enter(int live_dir, unsigned slot, char name[LIVE_NAME], int *out_fd) MUST_USE;
/* SIGKILL for every owner that is alive and surely the process that the entry names: pid, start time and pid namespace
 * match, and it is the same user's. */
void live_kill(int live_dir);
/* The same for those of them that stand still (SIGSTOP). */
void live_kill_stopped(int live_dir);
/* Removes the entries that nobody holds. */
void live_sweep(int live_dir);

#endif
