/* The directory that holds the environment: what makes it a finished store of a version that we know. */
#ifndef HOOKTURN_STORE_BDB_BDB_HOME_H
#define HOOKTURN_STORE_BDB_BDB_HOME_H

#include <stddef.h>
#include <sys/types.h>

#include "base/status.h"

/* The version of the whole: of the tables and what is in them. A store of this one has the file of each table, so that
 * one that is not there is known to be lost. */
enum { BDB_HOME_FORMAT = 2 };

/* "<data_dir>/store"; the caller frees. */
char *bdb_home_path(const char *data_dir);
/* Makes the empty directory. STATUS_EXISTS. */
enum status bdb_home_make(const char *home, struct failure *failure) MUST_USE;
/* Puts the wake-up pipe and the mark of a finished store there, synced. */
enum status bdb_home_finish(const char *home, struct failure *failure) MUST_USE;
/* The mark alone, in place of an older one: the store is of BDB_HOME_FORMAT from now on. */
enum status bdb_home_mark(const char *home, struct failure *failure) MUST_USE;
/* *format: the version in the mark. STATUS_NOT_FOUND: not initialised. STATUS_VERSION: of a newer hookturn.
 * STATUS_CORRUPT. */
enum status bdb_home_check(const char *home, int *format, struct failure *failure) MUST_USE;
/* STATUS_CONFLICT: more than `own` processes that live have it open (1 once this one has entered). */
enum status bdb_home_is_alone(const char *home, size_t own, struct failure *failure) MUST_USE;
/* Reserves disk space for the shared regions: their files grow by holes, and writing into a hole on a full disk is a
 * SIGBUS. Where that fails it is logged, and the store works on. */
void bdb_home_reserve_regions(const char *home, off_t bytes);
/* Makes the pipe where it is missing, and opens it without ever blocking; -1 where that fails. */
int bdb_home_wake_open(const char *home);

#endif
