/* The file by which somebody who has no shell says what the first start shall set up: `setup` in the data directory,
 * with the organization and a key of their choosing, in the syntax of hookturn.conf:
 *
 *     organization = 3f0c8a52-6f0e-4a55-9d0b-6f1f3f6a0f11
 *     key = at least 40 random characters
 *     scopes = manage,read,publish
 *
 * (`scopes` may be left out.) Its texts stand in messages by their line's number, never by what they are. */
#ifndef HOOKTURN_STORE_SETUP_FILE_H
#define HOOKTURN_STORE_SETUP_FILE_H

#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"

#define SETUP_FILE_NAME "setup"

struct setup_file {
    struct uuid organization_id;
    unsigned scopes; /* enum api_scope, or-ed */
    struct buf key;  /* a secret */
};

/* The text of such a file; `path` only stands in messages. STATUS_INVALID with a failure text. Clear with
 * setup_file_clear, also after a failure. */
enum status setup_file_parse(const char *path, struct slice text, struct setup_file *out,
                             struct failure *failure) MUST_USE;
/* Reads it from the disk. It must be a regular file, no link, of the effective user, closed to everybody else, and not
 * large: STATUS_DENIED, STATUS_INVALID, STATUS_IO, with a failure text. */
enum status setup_file_read(const char *path, struct setup_file *out, struct failure *failure) MUST_USE;
/* Cleanses. */
void setup_file_clear(struct setup_file *setup);
/* Overwrites the file and removes it; that the name is gone is on disk once its directory is. One that is not there is
 * STATUS_OK. Overwriting helps where a file system writes in place and somebody looks at the disk's free blocks later;
 * it does nothing about copies in a journal, in a snapshot or a backup. STATUS_IO with a failure text. */
enum status setup_file_remove(const char *path, struct failure *failure) MUST_USE;

#endif
