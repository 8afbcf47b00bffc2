/* What backup, restore and rekey share. */
#include "store/store_files.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>

#include "base/tree.h"

enum status store_hold_keys(const struct conf *conf, int *fd, struct failure *failure)
{
    struct buf path = tree_path(conf->data_dir, "rekey.lock");
    int lock = open(path.data, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    enum status status = STATUS_OK;
    if (lock < 0) {
        failure_set(failure, "cannot make %s: %s; the data directory must be writable", path.data, strerror(errno));
        status = STATUS_IO;
    } else if (flock(lock, LOCK_EX | LOCK_NB) != 0) {
        failure_set(failure, "the master key is being changed by another process: wait for it");
        close(lock);
        status = STATUS_CONFLICT;
    } else {
        *fd = lock;
    }
    buf_clear(&path);
    return status;
}

void backup_describe(const struct backup_head *head, struct store_backup *out)
{
    *out = (struct store_backup){.made_at_ms = head->made_at_ms,
                                 .records = head->records,
                                 .unreadable = head->unreadable,
                                 .has_key = backup_head_find_file(head, BACKUP_KEY_NAME) != NULL};
    memcpy(out->fingerprint, head->fingerprint, sizeof out->fingerprint);
    for (size_t i = 0; i < head->file_count; i++)
        out->bytes += head->files[i].sum.bytes;
}
