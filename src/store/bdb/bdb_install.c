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

struct places {
    char *from; /* the copy */
    char *home;
    const char *aside;
    bool has_store;
};

static enum status change_names(const struct places *places, struct failure *failure)
{
    if (places->has_store)
        return exchange(places->from, places->home, places->aside, failure);
    return rename(places->from, places->home) == 0 ? STATUS_OK : fail(places->from, places->home, failure);
}

/* Nobody comes in: who waits for the old store's gate finds out that it is gone, who waits for the new one's waits for
 * the last step. */
static enum status replace(const struct places *places, const struct store_exchange *with, struct failure *failure)
{
    enum status status = places->has_store ? bdb_home_is_alone(places->home, 0, failure) : STATUS_OK;
    if (status == STATUS_OK)
        status = with->before(with->context);
    if (status != STATUS_OK)
        return status;
    status = change_names(places, failure);
    if (status == STATUS_OK)
        return with->after(with->context);
    with->undo(with->context);
    return status;
}

static enum status replace_gated(const struct places *places, const struct store_exchange *with,
                                 struct failure *failure)
{
    int new_gate = -1, old_gate = -1;
    enum status status = gate_hold(places->from, GATE_WAIT_MS, &new_gate, failure);
    if (status == STATUS_OK && places->has_store)
        status = gate_hold(places->home, GATE_WAIT_MS, &old_gate, failure);
    if (status == STATUS_OK)
        status = replace(places, with, failure);
    if (old_gate >= 0)
        close(old_gate);
    if (new_gate >= 0)
        close(new_gate);
    return status;
}

enum status bdb_install(const char *data_dir, const char *staged, const char *aside, const struct store_exchange *with,
                        bool *had_store, struct failure *failure)
{
    struct places places = {.from = bdb_home_path(staged), .home = bdb_home_path(data_dir), .aside = aside};
    places.has_store = *had_store = access(places.home, F_OK) == 0;
    enum status status = gate_create(places.from, failure);
    if (status == STATUS_OK && tree_sync(places.from) != STATUS_OK)
        status = fail(places.from, places.home, failure);
    if (status == STATUS_OK)
        status = bdb_is_free(data_dir, failure);
    if (status == STATUS_OK)
        status = replace_gated(&places, with, failure);
    if (status == STATUS_OK && tree_sync(data_dir) != STATUS_OK)
        log_warn("store_install_sync",
                 LOG_TEXT("cause", strerror(errno))); /* a power loss may bring the old one back */
    free(places.from);
    free(places.home);
    return status;
}
