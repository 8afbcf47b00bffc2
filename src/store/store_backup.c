/* store_backup: the engine's copy, verified, and around it what makes a backup of it: the configuration, the master key
 * where it is wanted, and the head, which is written when all the rest is on disk. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/tree.h"
#include "store/store_files.h"

struct making {
    const struct conf *conf;
    const struct store_progress *progress;
    struct failure *failure;
    char *directory; /* without slashes at its end */
    char *unfinished;
    bool with_key;
    struct keyring *keyring;
    struct backup_head head;
};

/* ---- the place ---- */

static enum status fail(const struct making *making, const char *what, enum status status)
{
    if (status == STATUS_FULL)
        failure_set(making->failure, "there is no space left for %s: make room, or choose another place",
                    making->directory);
    else
        failure_set(making->failure, "cannot %s %s: %s; choose a directory that user %lu can write", what,
                    making->directory, strerror(errno), (unsigned long)geteuid());
    return status;
}

/* A directory does not take a link's place. */
static bool is_link(const char *path)
{
    struct stat info;
    return lstat(path, &info) == 0 && S_ISLNK(info.st_mode);
}

/* The parent of DIR must be there, and DIR must not, or be empty. */
static enum status take_place(struct making *making, const char *directory, int *lock)
{
    struct buf path = {0};
    buf_append_text(&path, directory);
    while (path.length > 1 && path.data[path.length - 1] == '/')
        path.data[--path.length] = '\0';
    making->directory = mem_strdup(buf_text(&path));
    buf_append_text(&path, ".hookturn-unfinished");
    making->unfinished = mem_strdup(path.data);
    buf_clear(&path);
    if (is_link(making->directory) || !tree_is_free(making->directory)) {
        failure_set(making->failure, "%s is there already and not an empty directory: choose another place",
                    making->directory);
        return STATUS_EXISTS;
    }
    enum status status = tree_take(making->unfinished, lock);
    if (status == STATUS_CONFLICT)
        failure_set(making->failure, "another backup to %s is made just now: wait for it", making->directory);
    else if (status != STATUS_OK)
        return fail(making, "make", status);
    return status;
}

/* An empty directory may have the name: it is replaced. Where a power loss might take the name back, it is not given.
 */
static enum status finish_place(const struct making *making)
{
    if (rename(making->unfinished, making->directory) != 0)
        return fail(making, "finish", STATUS_IO);
    struct buf parent = {0};
    buf_printf(&parent, "%s/..", making->directory);
    enum status status = tree_sync(parent.data);
    buf_clear(&parent);
    if (status == STATUS_OK)
        return status;
    status = fail(making, "finish", status);
    (void)rename(making->directory, making->unfinished);
    return status;
}

/* ---- what goes into it ---- */

static enum status copy_store(struct making *making)
{
    struct store *store;
    enum status status = store_open(making->conf, STORE_FOR_COMMAND, &store, making->failure);
    if (status != STATUS_OK)
        return status == STATUS_UNAVAILABLE ? STATUS_AGAIN : status; /* it was waited for; nobody has to leave */
    const struct store_engine *engine = store->engine;
    snprintf(making->head.engine, sizeof making->head.engine, "%s", engine->name);
    making->head.format = engine->format;
    status = engine->copy(store, making->unfinished, making->progress, making->failure);
    store_close(store);
    return status;
}

/* /dev/null may be in use as one. */
static bool has_conf(const struct making *making)
{
    struct stat info;
    return stat(making->conf->path, &info) == 0 && S_ISREG(info.st_mode);
}

static enum status copy_conf(const struct making *making)
{
    if (!has_conf(making))
        return STATUS_OK;
    struct buf to = tree_path(making->unfinished, BACKUP_CONF_NAME);
    char *from = realpath(making->conf->path, NULL); /* it may be a link */
    enum status status = from ? tree_copy_file(from, to.data, NULL) : STATUS_IO;
    if (status != STATUS_OK)
        failure_set(making->failure, "cannot copy the configuration %s: %s", making->conf->path, strerror(errno));
    free(from);
    buf_clear(&to);
    return status;
}

static enum status copy_key(const struct making *making)
{
    if (!making->with_key)
        return STATUS_OK;
    struct buf to = tree_path(making->unfinished, BACKUP_KEY_NAME);
    enum status status = keyring_save(making->keyring, to.data, making->failure);
    buf_clear(&to);
    return status;
}

static enum status verify(struct making *making)
{
    const struct store_engine *engine;
    struct store_contents contents = {.records = 0};
    enum status status = store_prepare(making->conf, &engine, making->failure);
    if (status == STATUS_OK)
        status =
            engine->contents(making->unfinished, true, making->keyring, making->progress, &contents, making->failure);
    making->head.records = contents.records;
    making->head.unreadable = contents.unreadable;
    making->head.keys = contents.keys;
    keyring_fingerprint(making->keyring, making->head.fingerprint);
    return status;
}

/* ---- the head ---- */

static enum status add_file(struct making *making, const char *name)
{
    struct tree_sum sum;
    const struct store_progress *progress = making->progress;
    if (!progress->report(progress->context, "reading it again", making->head.file_count, 0)) {
        failure_set(making->failure, "stopped before it was done; run it again");
        return STATUS_CONFLICT;
    }
    struct buf path = tree_path(making->unfinished, name);
    enum status status = tree_sum_file(path.data, &sum);
    buf_clear(&path);
    if (status != STATUS_OK)
        return fail(making, "read", status);
    backup_head_add_file(&making->head, name, &sum);
    return STATUS_OK;
}

static enum status add_store_file(struct making *making, const char *name)
{
    char full[BACKUP_FILE_NAME];
    if (strlen(name) + sizeof BACKUP_STORE_NAME >= sizeof full) {
        failure_set(making->failure, "the engine's copy has a file of an unexpected name: %s", name);
        return STATUS_IO;
    }
    snprintf(full, sizeof full, "%s/%s", BACKUP_STORE_NAME, name);
    return add_file(making, full);
}

static enum status add_store_files(struct making *making)
{
    struct buf path = tree_path(making->unfinished, BACKUP_STORE_NAME);
    DIR *stream = opendir(path.data);
    enum status status = stream ? STATUS_OK : fail(making, "read", STATUS_IO);
    for (const struct dirent *entry; stream && status == STATUS_OK && (entry = readdir(stream));)
        if (entry->d_name[0] != '.')
            status = add_store_file(making, entry->d_name);
    if (stream)
        closedir(stream);
    if (status == STATUS_OK)
        status = tree_sync(path.data);
    buf_clear(&path);
    return status;
}

static enum status add_files(struct making *making)
{
    enum status status = add_store_files(making);
    if (status == STATUS_OK && has_conf(making))
        status = add_file(making, BACKUP_CONF_NAME);
    if (status == STATUS_OK && making->with_key)
        status = add_file(making, BACKUP_KEY_NAME);
    return status;
}

static enum status write_head(const struct making *making)
{
    struct buf text = {0}, path = tree_path(making->unfinished, BACKUP_HEAD_NAME);
    backup_head_format(&making->head, &text);
    int fd = open(path.data, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool worked = fd >= 0 && write(fd, text.data, text.length) == (ssize_t)text.length && fsync(fd) == 0;
    enum status status = worked ? tree_sync(making->unfinished) : errno == ENOSPC ? STATUS_FULL : STATUS_IO;
    if (fd >= 0)
        close(fd);
    buf_clear(&path);
    buf_clear(&text);
    return status == STATUS_OK ? status : fail(making, "write", status);
}

/* ---- the verb ---- */

static enum status fill(struct making *making)
{
    making->head.made_at_ms = clock_now_ms();
    enum status status = keyring_open(making->conf->master_key_file, &making->keyring, making->failure);
    if (status == STATUS_OK)
        status = copy_store(making);
    if (status == STATUS_OK)
        status = copy_key(making);
    if (status == STATUS_OK)
        status = copy_conf(making);
    if (status == STATUS_OK)
        status = verify(making);
    if (status == STATUS_OK)
        status = add_files(making);
    return status == STATUS_OK ? write_head(making) : status;
}

enum status store_backup(const struct conf *conf, const char *directory, bool with_key,
                         const struct store_progress *progress, struct store_backup *out, struct failure *failure)
{
    struct making making = {.conf = conf, .progress = progress, .failure = failure, .with_key = with_key};
    int lock = -1;
    enum status status = take_place(&making, directory, &lock);
    if (status == STATUS_OK) {
        status = fill(&making);
        if (status == STATUS_OK)
            status = finish_place(&making);
        if (status != STATUS_OK)
            tree_remove(AT_FDCWD, making.unfinished);
        close(lock);
    }
    if (status == STATUS_OK)
        backup_describe(&making.head, out);
    keyring_free(making.keyring);
    backup_head_clear(&making.head);
    free(making.unfinished);
    free(making.directory);
    return status;
}
