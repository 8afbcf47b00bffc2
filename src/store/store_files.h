/* What backup, restore and rekey share: the engine, and running one at a time. */
#ifndef HOOKTURN_STORE_STORE_FILES_H
#define HOOKTURN_STORE_STORE_FILES_H

#include "base/conf.h"
#include "base/status.h"
#include "store/engine.h"

/* The engine that the configuration names, with the data directory looked at. The errors of store_open. */
enum status store_prepare(const struct conf *conf, const struct store_engine **engine,
                          struct failure *failure) MUST_USE;
/* While the descriptor is open nobody else changes the master key file. STATUS_CONFLICT, STATUS_IO, with a failure
 * text. */
enum status store_hold_keys(const struct conf *conf, int *fd, struct failure *failure) MUST_USE;

/* What a head says of its backup. */
void backup_describe(const struct backup_head *head, struct store_backup *out);

#endif
