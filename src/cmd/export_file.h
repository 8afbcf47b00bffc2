/* A file that is not there until it is whole: 0600, written under another name, on disk, read again, and then renamed.
 * It never takes the place of another one. */
#ifndef HOOKTURN_CMD_EXPORT_FILE_H
#define HOOKTURN_CMD_EXPORT_FILE_H

#include "base/buf.h"
#include "base/status.h"
#include "base/tree.h"

/* `{.path}` before the begin. */
struct export_file {
    const char *path;
    struct buf unfinished; /* "<path>.hookturn-unfinished" */
    int fd;                /* locked while it is written */
    int cause;             /* errno of a write that failed */
    uint64_t bytes;
    struct crypto_digest *digest;
};

/* STATUS_EXISTS: something has the name. STATUS_CONFLICT: another process writes there. What a killed one left is
 * removed. STATUS_FULL, STATUS_IO. With a failure text; nothing is to be ended then. */
enum status export_file_begin(struct export_file *file, struct failure *failure) MUST_USE;
/* As pump_write. `context` is the file. */
enum status export_file_write(void *context, struct slice bytes) MUST_USE;
/* With a failure text. The file is to be ended in any case. */
enum status export_file_finish(struct export_file *file, struct failure *failure) MUST_USE;
/* What is unfinished is removed. */
void export_file_end(struct export_file *file);

#endif
