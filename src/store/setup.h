/* The first start from a file: who has no shell for `hookturn init` and `hookturn key create` uploads a setup file
 * (setup_file.h) into the data directory, and the first request does what they do. */
#ifndef HOOKTURN_STORE_SETUP_H
#define HOOKTURN_STORE_SETUP_H

#include <stdbool.h>

#include "base/conf.h"
#include "base/status.h"

/* Whether there is a setup file, or a setting up that was interrupted. To be asked where the store cannot be opened. */
bool setup_is_pending(const char *data_dir);

/* Makes the store with the one key, the master key, and a commented configuration where none is in use, and removes the
 * setup file; or goes on where it was interrupted. Of several processes one does it and the others wait for it. The
 * store is there, under its name, when all of it is done: so nothing is open before, and a second key cannot come.
 * Where there is a store already nothing is done, and that is STATUS_OK.
 *
 * `web_roots`, ended by NULL: directories whose files the web server hands out; empty ones are passed over. A setup
 * file in one of them is refused. STATUS_INVALID, STATUS_DENIED, STATUS_EXISTS (a master key, or remains of an init),
 * STATUS_UNAVAILABLE (another process is at it), STATUS_FULL, STATUS_IO, with a failure text. */
enum status setup_run(const struct conf *conf, const char *const *web_roots, struct failure *failure) MUST_USE;

#endif
