/* Whether a directory can hold the store: it must be there, ours alone, and on a local disk. And the configuration that
 * whoever sets it up puts there. */
#ifndef HOOKTURN_STORE_DATA_DIR_H
#define HOOKTURN_STORE_DATA_DIR_H

#include "base/status.h"

/* STATUS_NOT_FOUND (run `hookturn init`), STATUS_DENIED (not owned by the effective user, or open to others),
 * STATUS_INVALID (a network file system, or no directory), STATUS_IO: each with a failure text. */
enum status data_dir_check(const char *data_dir, struct failure *failure) MUST_USE;

/* The configuration's name in it. */
#define DATA_DIR_CONF "hookturn.conf"
/* Writes the commented configuration, which names `data_dir`, to the new file `path`, 0600 and on disk. STATUS_EXISTS,
 * STATUS_FULL, STATUS_IO, with a failure text. */
enum status data_dir_write_conf(const char *data_dir, const char *path, struct failure *failure) MUST_USE;

#endif
