/* Putting a verified copy in the store's place. Both directories change their names in one step of the file system, so
 * whatever happens there is a whole store under the store's name. */
#include "store/bdb/bdb.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/tree.h"
#include "store/bdb/bdb_home.h"

enum { GATE_WAIT_MS = 5000 };

enum status bdb_is_free(const char *data_dir, struct failure *failure)
{
    char *home = bdb_home_path(data_dir);
    enum status status = access(home, F_OK) == 0 ? bdb_home_is_alone(home, 0, failure) : STATUS_OK;
    free(home);
    return status;
}

static enum status fail(const char *from, const char *to, struct failure *failure)
{
    if (errno == EINVAL || errno == ENOSYS)
        failure_set(failure,
                    "the file system cannot exchange two directories in one step: stop everything, move %s away, and "
                    "restore again",
                    to);
    else
        failure_set(failure, "cannot put %s in place of %s: %s", from, to, strerror(errno));
    return STATUS_IO;
}

/* The old store's gate is ours. What has its name afterwards is whole, whichever of the two it is. */
static enum status exchange(const char *from, const char *home, const char *aside, struct failure *failure)
{
    if (renameat2(AT_FDCWD, from, AT_FDCWD, home, RENAME_EXCHANGE) != 0)
        return fail(from, home, failure);
    if (renameat2(AT_FDCWD, from, AT_FDCWD, aside, RENAME_NOREPLACE) != 0) {
        enum status status = fail(from, aside, failure);
        if (renameat2(AT_FDCWD, from, AT_FDCWD, home, RENAME_EXCHANGE) != 0)
            return fail(from, home, failure);
        return status;
    }
    return STATUS_OK;
}

static enum status replace(const char *from, const char *home, const char *aside, struct failure *failure)
{
    int gate;
    enum status status = bdb_home_is_alone(home, 0, failure);
    if (status == STATUS_OK)
        status = gate_hold(home, GATE_WAIT_MS, &gate, failure);
    if (status != STATUS_OK)
        return status;
    status = bdb_home_is_alone(home, 0, failure); /* for good: nobody comes in any more */
    if (status == STATUS_OK)
        status = exchange(from, home, aside, failure);
    close(gate);
    return status;
}

enum status bdb_install(const char *data_dir, const char *staged, const char *aside, bool *had_store,
                        struct failure *failure)
{
    char *from = bdb_home_path(staged), *home = bdb_home_path(data_dir);
    *had_store = access(home, F_OK) == 0;
    enum status status = gate_create(from, failure);
    if (status == STATUS_OK)
        status = tree_sync(from);
    if (status == STATUS_OK && *had_store)
        status = replace(from, home, aside, failure);
    else if (status == STATUS_OK && rename(from, home) != 0)
        status = fail(from, home, failure);
    if (status == STATUS_OK && tree_sync(data_dir) != STATUS_OK)
        log_warn("store_install_sync",
                 LOG_TEXT("cause", strerror(errno))); /* a power loss may bring the old one back */
    free(from);
    free(home);
    return status;
}
