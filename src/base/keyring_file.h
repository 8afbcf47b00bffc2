/* The master key file as a list of keys: read and checked, or written anew in one step. keyring.h says what stands in
 * it; only keyring.c and its own file know more of keys than their names. */
#ifndef HOOKTURN_BASE_KEYRING_FILE_H
#define HOOKTURN_BASE_KEYRING_FILE_H

#include <stddef.h>
#include <sys/stat.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/status.h"

enum { KEY_NAME_BYTES = 4 };

struct key {
    unsigned char digest[SHA256_BYTES]; /* the key's name is its start */
    unsigned char bytes[AEAD_KEY_BYTES];
};

/* `{0}` is empty. The sealing key is the first. */
struct key_list {
    struct key *items;
    size_t count;
};

/* A random key at the end of the list. */
void key_list_add_new(struct key_list *list);
/* Appends those of `more` that are not in the list yet. */
void key_list_join(struct key_list *list, const struct key_list *more);
/* By the first KEY_NAME_BYTES of its digest; NULL. */
const struct key *key_list_find(const struct key_list *list, const unsigned char *name);
/* Cleanses. */
void key_list_clear(struct key_list *list);

/* The file's text, appended; and read into `out`, which is empty. STATUS_VERSION: of a newer hookturn. STATUS_CORRUPT.
 * The caller clears `out` in any case. */
void key_list_compose(const struct key_list *list, struct buf *out);
enum status key_list_parse(struct slice text, struct key_list *out) MUST_USE;

/* Reads into `out`, which is empty. *file: what was read, for telling when another file stands there. The errors of
 * keyring_open, with a failure text. */
enum status key_list_read(const char *path, struct key_list *out, struct stat *file, struct failure *failure) MUST_USE;
/* Makes the file, 0600, synced. STATUS_EXISTS, STATUS_IO, with a failure text; nothing is left behind then. */
enum status key_list_create(const char *path, const struct key_list *list, struct failure *failure) MUST_USE;
/* Puts it in place of the file that is there, or makes it: whoever reads, and whatever ends this process or the
 * machine, it is the one or the other. A link is followed. STATUS_IO with a failure text. */
enum status key_list_replace(const char *path, const struct key_list *list, struct failure *failure) MUST_USE;

#endif
