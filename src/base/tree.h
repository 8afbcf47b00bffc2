/* Directories and files as a whole: named, copied, summed up, removed. For backups, and for what was begun and is taken
 * back. Errors leave their cause in errno. */
#ifndef HOOKTURN_BASE_TREE_H
#define HOOKTURN_BASE_TREE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/status.h"

/* What a file held. */
struct tree_sum {
    uint64_t bytes;
    unsigned char digest[SHA256_BYTES];
};

/* "<directory>/<name>"; the caller clears it. */
struct buf tree_path(const char *directory, const char *name);
/* Removes the file or directory `name` below the open `directory`, with all that is in it. Links are removed, not
 * followed. What cannot be removed stays. */
void tree_remove(int directory, const char *name);
/* Makes the directory, 0700, or takes and empties the one that is there; it is locked until *out_fd is closed.
 * STATUS_CONFLICT: somebody holds it. STATUS_FULL, STATUS_IO. */
enum status tree_take(const char *path, int *out_fd) MUST_USE;
/* True where there is a directory with nothing in it, or nothing at all. */
bool tree_is_free(const char *path);
/* A copy of the regular file, new, 0600 and on disk. `out` (which may be NULL): what was read. STATUS_NOT_FOUND,
 * STATUS_EXISTS, STATUS_FULL, STATUS_IO. */
enum status tree_copy_file(const char *from, const char *to, struct tree_sum *out) MUST_USE;
/* Reads the regular file, which is on disk then. STATUS_NOT_FOUND, STATUS_FULL, STATUS_IO. */
enum status tree_sum_file(const char *path, struct tree_sum *out) MUST_USE;
/* The names in the directory are on disk afterwards. */
enum status tree_sync(const char *directory) MUST_USE;
/* The name of the file is on disk once its directory is. */
enum status tree_sync_parent(const char *path) MUST_USE;
/* Writes all of it, to where the descriptor stands. False: errno says why. */
bool tree_write_all(int fd, struct slice bytes) MUST_USE;

#endif
