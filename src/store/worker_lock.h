/* Whether a delivery worker runs: a lock in the data directory that each of them shares while it works. Asked without
 * the store, by everybody. */
#ifndef HOOKTURN_STORE_WORKER_LOCK_H
#define HOOKTURN_STORE_WORKER_LOCK_H

#include <stdbool.h>

#include "base/status.h"

/* Holds the lock, with other workers. It belongs to *out_fd, also after a fork: it ends with worker_lock_let_go or when
 * the last process that has the descriptor open has closed it, however it ends. STATUS_IO with a failure text. */
enum status worker_lock_take(const char *data_dir, int *out_fd, struct failure *failure) MUST_USE;
/* From here on no worker is seen, at least not this one, in no process that shares `fd`. Who publishes looks whether
 * the lock is held *after* its commit; so a worker that lets go first and then finds nothing to do has missed nothing.
 */
void worker_lock_let_go(int fd);
/* The lock again, after worker_lock_let_go. */
void worker_lock_take_again(int fd);

/* False also where that cannot be found out. */
bool worker_lock_is_held(const char *data_dir);

#endif
