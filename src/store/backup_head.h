/* The file `backup` in a backup: what the rest of it is, so that nothing else is ever taken for one, and so that each
 * file can be held against what was written. It is written last. Text, a line each:
 *     hookturn-backup 1
 *     made_at 2026-06-12T10:15:00.000Z
 *     engine bdb
 *     format 1
 *     master_key 0123456789abcdef          the fingerprint of the sealing key
 *     key 01234567                         the name of each key that something in it is sealed under
 *     records 4711                         in all tables
 *     unreadable 0                         of them
 *     file <64 hex: SHA-256> <bytes> store/event.db
 *     end <64 hex: SHA-256 of all lines before> */
#ifndef HOOKTURN_STORE_BACKUP_HEAD_H
#define HOOKTURN_STORE_BACKUP_HEAD_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/keyring.h"
#include "base/tree.h"

#define BACKUP_HEAD_NAME "backup"
#define BACKUP_KEY_NAME "master.key"
#define BACKUP_CONF_NAME "hookturn.conf"
#define BACKUP_STORE_NAME "store"

enum { BACKUP_ENGINE = 32, BACKUP_FILE_NAME = 96, BACKUP_FILES_MAX = 1000, BACKUP_KEYS_MAX = 16 };

struct backup_file {
    char name[BACKUP_FILE_NAME]; /* BACKUP_KEY_NAME, BACKUP_CONF_NAME, or one below BACKUP_STORE_NAME "/" */
    struct tree_sum sum;
};

/* Names of master keys. */
struct backup_keys {
    char names[BACKUP_KEYS_MAX][KEYRING_NAME];
    size_t count;
};
/* Once each; what is beyond BACKUP_KEYS_MAX is left out. */
void backup_keys_add(struct backup_keys *keys, const char *name);

struct backup_head {
    int64_t made_at_ms;
    char engine[BACKUP_ENGINE];
    int format; /* of the engine */
    char fingerprint[KEYRING_FINGERPRINT];
    struct backup_keys keys;
    uint64_t records;
    uint64_t unreadable;
    struct backup_file *files; /* heap */
    size_t file_count;
};

void backup_head_clear(struct backup_head *head);
/* `name` is one of the above, and shorter than BACKUP_FILE_NAME. */
void backup_head_add_file(struct backup_head *head, const char *name, const struct tree_sum *sum);
/* NULL: there is none of that name. */
const struct backup_file *backup_head_find_file(const struct backup_head *head, const char *name);

void backup_head_format(const struct backup_head *head, struct buf *out);
/* STATUS_VERSION: of a newer hookturn. STATUS_CORRUPT. `out` is cleared by the caller, also after an error. */
enum status backup_head_parse(struct slice text, struct backup_head *out) MUST_USE;

#endif
