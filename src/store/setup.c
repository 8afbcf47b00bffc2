/* The first start from a file. Everything is made aside, in `setting-up`, a data directory of its own. What is finished
 * gets the name `store.made`, with the master key and the configuration in it, in one step of the file system: before
 * it the setup file is all there is and whoever comes begins anew; from it on the file is not needed, and whoever comes
 * goes on. Last of all `store.made` becomes `store`. */
#include "store/setup.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/keyring.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/tree.h"
#include "model/api_key.h"
#include "store/data_dir.h"
#include "store/setup_file.h"
#include "store/store.h"

#define ASIDE "setting-up"
#define MADE "store.made"
#define CONF MADE "/" DATA_DIR_CONF
#define KEY MADE "/master.key"
enum { TURN_WAIT_MS = 10000, TURN_POLL_MS = 10 };

/* A link counts, wherever it leads. */
static bool is_there(const char *data_dir, const char *name)
{
    struct stat info;
    struct buf path = tree_path(data_dir, name);
    bool is = lstat(path.data, &info) == 0;
    buf_clear(&path);
    return is;
}

bool setup_is_pending(const char *data_dir)
{
    return is_there(data_dir, SETUP_FILE_NAME) || is_there(data_dir, MADE);
}

static enum status fail(const char *what, const char *path, struct failure *failure)
{
    enum status status = status_of_errno();
    failure_set(failure, "cannot %s %s: %s", what, path, strerror(errno));
    return status;
}

/* ---- making it, aside ---- */

static enum status put_key(const struct conf *conf, const struct setup_file *setup, struct failure *failure)
{
    struct store *store;
    char id[OBJECT_ID_TEXT];
    struct api_key key = {.organization_id = setup->organization_id, .scopes = setup->scopes};
    enum status status = store_open(conf, STORE_FOR_COMMAND, &store, failure);
    if (status != STATUS_OK)
        return status;
    key.created_at_ms = clock_now_ms();
    object_id_make(key.created_at_ms, &key.id);
    object_id_format(&key.id, id);
    key.created_user_id = mem_strdup(id);
    key.name = mem_strdup("setup");
    crypto_sha256(setup->key.data, setup->key.length, key.digest);
    status = store_key_put(store, &key);
    if (status != STATUS_OK)
        failure_set(failure, "cannot put the key into the store (%s): the log says why", status_name(status));
    store_close(store);
    api_key_clear(&key);
    return status;
}

/* The key and the configuration into the store's directory, and that under its next name. */
static enum status finish(const struct conf *conf, const struct conf *aside, struct failure *failure)
{
    struct buf made = tree_path(conf->data_dir, MADE), key = tree_path(aside->data_dir, "store/master.key");
    struct buf store = tree_path(aside->data_dir, "store"), file = tree_path(store.data, DATA_DIR_CONF);
    enum status status = STATUS_OK;
    if (rename(aside->master_key_file, key.data) != 0)
        status = fail("move", aside->master_key_file, failure);
    if (status == STATUS_OK && conf->path[0] == '\0')
        status = data_dir_write_conf(conf->data_dir, file.data, failure);
    if (status == STATUS_OK && (tree_sync(store.data) != STATUS_OK || rename(store.data, made.data) != 0 ||
                                tree_sync(conf->data_dir) != STATUS_OK))
        status = fail("finish", store.data, failure);
    buf_clear(&file);
    buf_clear(&store);
    buf_clear(&key);
    buf_clear(&made);
    return status;
}

static enum status make(int directory, const struct conf *conf, const struct setup_file *setup, struct failure *failure)
{
    struct buf path = tree_path(conf->data_dir, ASIDE), key = tree_path(path.data, "master.key");
    struct conf aside = *conf; /* borrows all the rest */
    aside.data_dir = path.data;
    aside.master_key_file = key.data;
    tree_remove(directory, ASIDE);
    enum status status = mkdir(path.data, 0700) == 0 ? STATUS_OK : fail("make", path.data, failure);
    if (status == STATUS_OK)
        status = store_create(&aside, failure);
    if (status == STATUS_OK)
        status = put_key(&aside, setup, failure);
    if (status == STATUS_OK)
        status = finish(conf, &aside, failure);
    tree_remove(directory, ASIDE);
    buf_clear(&key);
    buf_clear(&path);
    return status;
}

/* ---- whether it may be ---- */

/* `path` exists; a root that does not hands out nothing. */
static bool is_below(const char *path, const char *root)
{
    char *inner = realpath(path, NULL), *outer = root[0] == '/' ? realpath(root, NULL) : NULL;
    size_t length = outer ? strlen(outer) : 0;
    bool is = inner && outer && strncmp(inner, outer, length) == 0 &&
              (length == 1 || inner[length] == '/' || inner[length] == '\0');
    free(inner);
    free(outer);
    return is;
}

static enum status check_place(const struct conf *conf, const char *const *web_roots, struct failure *failure)
{
    for (; *web_roots; web_roots++) {
        if (!is_below(conf->data_dir, *web_roots))
            continue;
        failure_set(failure,
                    "%s lies in %s, whose files the web server hands out: set `data_dir` to another place, and "
                    "choose another key",
                    conf->data_dir, *web_roots);
        return STATUS_DENIED;
    }
    if (access(conf->master_key_file, F_OK) != 0)
        return STATUS_OK;
    failure_set(failure,
                "there is a master key %s already, so nothing was set up: restore the store that it belongs to, "
                "or move it away",
                conf->master_key_file);
    return STATUS_EXISTS;
}

static enum status read_and_make(int directory, const struct conf *conf, const char *const *web_roots,
                                 struct failure *failure)
{
    struct setup_file setup = {0};
    struct buf path = tree_path(conf->data_dir, SETUP_FILE_NAME);
    enum status status = check_place(conf, web_roots, failure);
    if (status == STATUS_OK)
        status = setup_file_read(path.data, &setup, failure);
    if (status == STATUS_OK && (status = make(directory, conf, &setup, failure)) == STATUS_OK)
        log_info("set_up", LOG_TEXT("data_dir", conf->data_dir));
    setup_file_clear(&setup);
    buf_clear(&path);
    return status;
}

/* ---- putting it in its place: each step may have been done already ---- */

static enum status place_conf(const struct conf *conf, struct failure *failure)
{
    struct buf from = tree_path(conf->data_dir, CONF), to = tree_path(conf->data_dir, DATA_DIR_CONF);
    enum status status = STATUS_OK;
    if (access(from.data, F_OK) == 0) {
        int error = access(to.data, F_OK) == 0 ? unlink(from.data) : rename(from.data, to.data);
        status = error == 0 ? STATUS_OK : fail("make", to.data, failure);
    }
    buf_clear(&to);
    buf_clear(&from);
    return status;
}

/* The key may be configured to lie on another file system. One that somebody has put there meanwhile is not lost. */
static enum status place_key(const struct conf *conf, struct failure *failure)
{
    struct buf from = tree_path(conf->data_dir, KEY);
    enum status status = STATUS_OK;
    if (access(from.data, F_OK) == 0) {
        status = keyring_file_join(conf->master_key_file, from.data, failure);
        if (status == STATUS_OK && unlink(from.data) != 0)
            status = fail("remove", from.data, failure);
    }
    buf_clear(&from);
    return status;
}

static enum status put_in_place(int directory, const struct conf *conf, struct failure *failure)
{
    struct buf file = tree_path(conf->data_dir, SETUP_FILE_NAME);
    struct buf from = tree_path(conf->data_dir, MADE), to = tree_path(conf->data_dir, "store");
    tree_remove(directory, ASIDE);
    enum status status = setup_file_remove(file.data, failure);
    if (status == STATUS_OK)
        status = place_conf(conf, failure);
    if (status == STATUS_OK)
        status = place_key(conf, failure);
    if (status == STATUS_OK && (tree_sync(conf->data_dir) != STATUS_OK || rename(from.data, to.data) != 0 ||
                                tree_sync(conf->data_dir) != STATUS_OK))
        status = fail("make", to.data, failure);
    buf_clear(&to);
    buf_clear(&from);
    buf_clear(&file);
    return status;
}

/* ---- one at a time ---- */

/* The lock is the one that `hookturn init` holds while it fills the directory. Upload programs make directories that
 * everybody may look into. */
static enum status take_turn(const struct conf *conf, int *out, struct failure *failure)
{
    struct stat info;
    int64_t end_ms = clock_monotonic_ms() + TURN_WAIT_MS;
    int fd = open(conf->data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd < 0)
        return fail("open", conf->data_dir, failure);
    while (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        if (errno != EWOULDBLOCK || clock_monotonic_ms() >= end_ms) {
            failure_set(failure, "another process is filling %s just now", conf->data_dir);
            close(fd);
            return STATUS_UNAVAILABLE;
        }
        clock_sleep_ms(TURN_POLL_MS);
    }
    if (fstat(fd, &info) == 0 && info.st_uid == geteuid() && (info.st_mode & (S_IRWXG | S_IRWXO)))
        (void)fchmod(fd, 0700); /* where that fails the check of the data directory says so */
    *out = fd;
    return STATUS_OK;
}

enum status setup_run(const struct conf *conf, const char *const *web_roots, struct failure *failure)
{
    int directory = -1;
    enum status status = take_turn(conf, &directory, failure);
    if (status != STATUS_OK)
        return status;
    if (!is_there(conf->data_dir, "store")) {
        status = data_dir_check(conf->data_dir, failure);
        if (status == STATUS_OK && !is_there(conf->data_dir, MADE))
            status = read_and_make(directory, conf, web_roots, failure);
        if (status == STATUS_OK)
            status = put_in_place(directory, conf, failure);
    }
    close(directory);
    return status;
}
