/* store_restore: the backup is copied into the data directory, held against its head and verified there, and only then
 * changes places with the store. The order of steps is such that whatever ends this process leaves a store and a
 * master key file that opens it. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/tree.h"
#include "store/store_files.h"

#define STAGED_NAME "restoring"
enum { HEAD_MAX_BYTES = 1024 * 1024 };

struct restoring {
    const struct conf *conf;
    const char *directory;
    const struct store_progress *progress;
    struct failure *failure;
    const struct store_engine *engine;
    struct backup_head head;
    struct buf staged; /* a path */
    bool brings_key;   /* its key file has to be put in place */
    bool had_key;      /* there was one before */
    struct store_aside *aside;
};

/* ---- what it is ---- */

static enum status read_text(const char *path, struct buf *out)
{
    int fd = open(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    ssize_t got = -1;
    if (fd >= 0) {
        buf_reserve(out, HEAD_MAX_BYTES);
        got = read(fd, out->data, HEAD_MAX_BYTES);
        close(fd);
    }
    out->length = got > 0 ? (size_t)got : 0;
    return got >= 0 ? STATUS_OK : errno == ENOENT || errno == ENOTDIR ? STATUS_NOT_FOUND : STATUS_IO;
}

static enum status read_head(struct restoring *restoring)
{
    const char *directory = restoring->directory;
    struct buf text = {0}, path = tree_path(directory, BACKUP_HEAD_NAME);
    enum status status = read_text(path.data, &text);
    if (status == STATUS_NOT_FOUND)
        failure_set(restoring->failure, "%s is no backup: there is no file \"%s\" in it", directory, BACKUP_HEAD_NAME);
    else if (status != STATUS_OK)
        failure_set(restoring->failure, "cannot read %s: %s", path.data, strerror(errno));
    if (status == STATUS_OK) {
        status = backup_head_parse(buf_slice(&text), &restoring->head);
        if (status == STATUS_VERSION)
            failure_set(restoring->failure, "%s was made by a newer hookturn: install that version", directory);
        else if (status != STATUS_OK)
            failure_set(restoring->failure, "%s is damaged: nothing was changed; use another backup", path.data);
    }
    buf_clear(&path);
    buf_clear(&text);
    return status;
}

static enum status check_engine(const struct restoring *restoring)
{
    const struct store_engine *engine = restoring->engine;
    if (strcmp(engine->name, restoring->head.engine) != 0) {
        failure_set(restoring->failure, "%s is of the store engine \"%s\": set `store` to it", restoring->directory,
                    restoring->head.engine);
        return STATUS_INVALID;
    }
    if (restoring->head.format > engine->format) {
        failure_set(restoring->failure, "%s was made by a newer hookturn: install that version", restoring->directory);
        return STATUS_VERSION;
    }
    return STATUS_OK;
}

/* ---- the master key ---- */

static bool opens_all(const struct keyring *keyring, const struct backup_keys *keys)
{
    for (size_t i = 0; i < keys->count; i++)
        if (!keyring_has(keyring, keys->names[i]))
            return false;
    return true;
}

/* The ring that opens what is in the backup: of the key file in use, or else of the backup's. */
static enum status choose_keys(struct restoring *restoring, struct keyring **out)
{
    const char *path = restoring->conf->master_key_file;
    char fingerprint[KEYRING_FINGERPRINT] = "none";
    enum status status = keyring_open(path, out, restoring->failure);
    restoring->had_key = status == STATUS_OK;
    if (status == STATUS_OK && opens_all(*out, &restoring->head.keys))
        return STATUS_OK;
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    if (status == STATUS_OK) {
        keyring_fingerprint(*out, fingerprint);
        keyring_free(*out);
        *out = NULL;
    }
    if (!backup_head_find_file(&restoring->head, BACKUP_KEY_NAME)) {
        failure_set(restoring->failure,
                    "%s is sealed under another master key (fingerprint %s) than %s holds (%s): put that key there, "
                    "or use a backup made with --with-key",
                    restoring->directory, restoring->head.fingerprint, path, fingerprint);
        return STATUS_DENIED;
    }
    restoring->brings_key = true;
    struct buf staged = tree_path(restoring->staged.data, BACKUP_KEY_NAME);
    status = keyring_open(staged.data, out, restoring->failure);
    buf_clear(&staged);
    return status;
}

/* ---- the copy ---- */

static bool is_same(const struct tree_sum *a, const struct tree_sum *b)
{
    return a->bytes == b->bytes && memcmp(a->digest, b->digest, sizeof a->digest) == 0;
}

static enum status copy_file(const struct restoring *restoring, const struct backup_file *file)
{
    struct tree_sum sum;
    struct buf from = tree_path(restoring->directory, file->name);
    struct buf to = tree_path(restoring->staged.data, file->name);
    enum status status = tree_copy_file(from.data, to.data, &sum);
    if (status == STATUS_OK && !is_same(&sum, &file->sum))
        status = STATUS_CORRUPT;
    if (status == STATUS_CORRUPT || status == STATUS_NOT_FOUND)
        failure_set(restoring->failure, "%s is %s: nothing was changed; use another backup", from.data,
                    status == STATUS_CORRUPT ? "damaged" : "missing");
    else if (status == STATUS_FULL)
        failure_set(restoring->failure, "there is no space left for a copy in %s: make room and try again",
                    restoring->conf->data_dir);
    else if (status != STATUS_OK)
        failure_set(restoring->failure, "cannot copy %s to %s: %s", from.data, to.data, strerror(errno));
    buf_clear(&from);
    buf_clear(&to);
    return status == STATUS_NOT_FOUND ? STATUS_CORRUPT : status;
}

static enum status copy_files(const struct restoring *restoring)
{
    const struct store_progress *progress = restoring->progress;
    uint64_t done = 0, total = 0;
    struct buf store = tree_path(restoring->staged.data, BACKUP_STORE_NAME);
    enum status status = mkdir(store.data, 0700) == 0 ? STATUS_OK : STATUS_IO;
    if (status != STATUS_OK)
        failure_set(restoring->failure, "cannot make %s: %s", store.data, strerror(errno));
    for (size_t i = 0; i < restoring->head.file_count; i++)
        total += restoring->head.files[i].sum.bytes;
    for (size_t i = 0; i < restoring->head.file_count && status == STATUS_OK; i++) {
        status = progress->report(progress->context, "copying", done, total) ? STATUS_OK : STATUS_CONFLICT;
        if (status == STATUS_OK)
            status = copy_file(restoring, &restoring->head.files[i]);
        else
            failure_set(restoring->failure, "stopped before it was done; nothing was changed");
        done += restoring->head.files[i].sum.bytes;
    }
    buf_clear(&store);
    return status;
}

static enum status verify(const struct restoring *restoring, const struct keyring *keyring)
{
    struct store_contents contents = {.records = 0};
    enum status status = restoring->engine->contents(restoring->staged.data, false, keyring, restoring->progress,
                                                     &contents, restoring->failure);
    if (status != STATUS_OK ||
        (contents.records == restoring->head.records && contents.unreadable <= restoring->head.unreadable))
        return status;
    if (contents.has_newer)
        failure_set(restoring->failure, "%s was made by a newer hookturn: install that version", restoring->directory);
    else
        failure_set(restoring->failure,
                    "what is in %s is not what its head says: nothing was changed; use another backup",
                    restoring->directory);
    return contents.has_newer ? STATUS_VERSION : STATUS_CORRUPT;
}

/* ---- the change ---- */

/* By the time, to the millisecond. */
static void name_aside(struct restoring *restoring)
{
    char when[32] = "";
    int64_t now_ms = clock_now_ms();
    time_t now = (time_t)(now_ms / 1000);
    struct tm parts;
    if (gmtime_r(&now, &parts))
        strftime(when, sizeof when, "%Y%m%dT%H%M%S", &parts);
    struct store_aside *aside = restoring->aside;
    snprintf(aside->store, sizeof aside->store, "store.before-%s.%03dZ", when, (int)(now_ms % 1000));
    if (restoring->brings_key && restoring->had_key)
        snprintf(aside->key, sizeof aside->key, "master.key.before-%s.%03dZ", when, (int)(now_ms % 1000));
}

/* The file gets the keys of both first: where this process is killed between two steps, it opens the store that is
 * there, whichever that is. */
static enum status prepare_key(void *context)
{
    const struct restoring *restoring = context;
    const char *path = restoring->conf->master_key_file;
    if (!restoring->brings_key)
        return STATUS_OK;
    struct buf from = tree_path(restoring->staged.data, BACKUP_KEY_NAME);
    struct buf kept = tree_path(restoring->conf->data_dir, restoring->aside->key);
    enum status status = STATUS_OK;
    if (restoring->had_key)
        status = keyring_file_copy(kept.data, path, restoring->failure);
    if (status == STATUS_OK)
        status = keyring_file_join(path, from.data, restoring->failure);
    buf_clear(&from);
    buf_clear(&kept);
    return status;
}

static enum status finish_key(void *context)
{
    const struct restoring *restoring = context;
    if (!restoring->brings_key)
        return STATUS_OK;
    struct buf from = tree_path(restoring->staged.data, BACKUP_KEY_NAME);
    enum status status = keyring_file_copy(restoring->conf->master_key_file, from.data, restoring->failure);
    buf_clear(&from);
    return status;
}

/* Nothing came of it: the key file becomes what it was. */
static void undo_key(void *context)
{
    const struct restoring *restoring = context;
    const char *path = restoring->conf->master_key_file;
    struct failure ignored;
    if (restoring->brings_key && !restoring->had_key)
        unlink(path);
    if (!restoring->brings_key || !restoring->had_key)
        return;
    struct buf kept = tree_path(restoring->conf->data_dir, restoring->aside->key);
    if (keyring_file_copy(path, kept.data, &ignored) == STATUS_OK)
        unlink(kept.data);
    buf_clear(&kept);
}

static enum status change_places(struct restoring *restoring)
{
    const struct store_exchange with = {prepare_key, finish_key, undo_key, restoring};
    const char *data_dir = restoring->conf->data_dir;
    bool had_store;
    struct buf aside = tree_path(data_dir, restoring->aside->store);
    enum status status =
        restoring->engine->install(data_dir, restoring->staged.data, aside.data, &with, &had_store, restoring->failure);
    if (status == STATUS_OK && !had_store)
        restoring->aside->store[0] = '\0';
    buf_clear(&aside);
    return status;
}

/* Who restores onto a new machine reads the configuration from the backup. */
static void bring_conf(const struct restoring *restoring)
{
    struct buf from = tree_path(restoring->directory, BACKUP_CONF_NAME);
    struct buf to = tree_path(restoring->conf->data_dir, BACKUP_CONF_NAME);
    struct stat in_use, in_backup;
    bool is_the_backups = stat(restoring->conf->path, &in_use) == 0 && stat(from.data, &in_backup) == 0 &&
                          in_use.st_dev == in_backup.st_dev && in_use.st_ino == in_backup.st_ino;
    enum status status = is_the_backups ? tree_copy_file(from.data, to.data, NULL) : STATUS_OK;
    if (status != STATUS_OK && status != STATUS_EXISTS)
        log_error("restore_configuration", LOG_TEXT("file", to.data), LOG_TEXT("cause", strerror(errno)));
    buf_clear(&from);
    buf_clear(&to);
}

/* ---- the verb ---- */

static enum status stage(struct restoring *restoring)
{
    struct keyring *keyring = NULL;
    enum status status = copy_files(restoring);
    if (status == STATUS_OK)
        status = choose_keys(restoring, &keyring);
    if (status == STATUS_OK)
        status = verify(restoring, keyring);
    keyring_free(keyring);
    return status;
}

static enum status take_stage(struct restoring *restoring, int *lock)
{
    restoring->staged = tree_path(restoring->conf->data_dir, STAGED_NAME);
    enum status status = tree_take(restoring->staged.data, lock);
    if (status == STATUS_CONFLICT)
        failure_set(restoring->failure, "another restore is under way: wait for it");
    else if (status != STATUS_OK)
        failure_set(restoring->failure, "cannot make %s: %s", restoring->staged.data, strerror(errno));
    return status;
}

static enum status restore(struct restoring *restoring)
{
    int lock = -1;
    enum status status = take_stage(restoring, &lock);
    if (status == STATUS_OK) {
        status = stage(restoring);
        name_aside(restoring);
        if (status == STATUS_OK)
            status = change_places(restoring);
        if (status == STATUS_OK)
            bring_conf(restoring);
        tree_remove(AT_FDCWD, restoring->staged.data);
        close(lock);
    }
    return status;
}

enum status store_restore(const struct conf *conf, const char *directory, const struct store_progress *progress,
                          struct store_backup *out, struct store_aside *aside, struct failure *failure)
{
    struct restoring restoring = {
        .conf = conf, .directory = directory, .progress = progress, .failure = failure, .aside = aside};
    int keys = -1;
    *aside = (struct store_aside){.store = ""};
    enum status status = store_prepare(conf, &restoring.engine, failure);
    if (status == STATUS_OK)
        status = read_head(&restoring);
    if (status == STATUS_OK)
        status = check_engine(&restoring);
    if (status == STATUS_OK)
        status = restoring.engine->is_free(conf->data_dir, failure);
    if (status == STATUS_OK)
        status = store_hold_keys(conf, &keys, failure);
    if (status == STATUS_OK) {
        status = restore(&restoring);
        close(keys);
    }
    if (status == STATUS_OK)
        backup_describe(&restoring.head, out);
    backup_head_clear(&restoring.head);
    buf_clear(&restoring.staged);
    return status;
}
