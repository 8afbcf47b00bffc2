/* Whether a directory can hold the store: it must be there, ours alone, and on a local disk. */
#ifndef HOOKTURN_STORE_DATA_DIR_H
#define HOOKTURN_STORE_DATA_DIR_H

#include "base/status.h"

/* STATUS_NOT_FOUND (run `hookturn init`), STATUS_DENIED (not owned by the effective user, or open to others),
 * STATUS_INVALID (a network file system, or no directory), STATUS_IO: each with a failure text. */
enum status data_dir_check(const char *data_dir, struct failure *failure) MUST_USE;

#endif
