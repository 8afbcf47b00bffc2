/* Reading, checking and writing the master key file. */
#include "base/keyring_file.h"

#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/encoding.h"
#include "base/mem.h"
#include "base/tree.h"

enum { FILE_MAX_BYTES = 65536 };
static const char head_word[] = "hookturn-master-key ";
static const char head_line[] = "hookturn-master-key 1";

/* ---- the list ---- */

/* Growth leaves no copy behind. */
static void add(struct key_list *list, const struct key *key)
{
    struct key *items = mem_calloc(list->count + 1, sizeof *items);
    if (list->count > 0)
        memcpy(items, list->items, list->count * sizeof *items);
    items[list->count] = *key;
    mem_free_cleansed(list->items, list->count * sizeof *items);
    list->items = items;
    list->count++;
}

void key_list_add_new(struct key_list *list)
{
    struct key key;
    crypto_random(key.bytes, sizeof key.bytes);
    crypto_sha256(key.bytes, sizeof key.bytes, key.digest);
    add(list, &key);
    crypto_cleanse(&key, sizeof key);
}

const struct key *key_list_find(const struct key_list *list, const unsigned char *name)
{
    for (size_t i = 0; i < list->count; i++)
        if (memcmp(list->items[i].digest, name, KEY_NAME_BYTES) == 0)
            return &list->items[i];
    return NULL;
}

void key_list_join(struct key_list *list, const struct key_list *more)
{
    for (size_t i = 0; i < more->count; i++)
        if (!key_list_find(list, more->items[i].digest))
            add(list, &more->items[i]);
}

void key_list_clear(struct key_list *list)
{
    mem_free_cleansed(list->items, list->count * sizeof *list->items);
    *list = (struct key_list){0};
}

/* ---- its text ---- */

void key_list_compose(const struct key_list *list, struct buf *out)
{
    buf_printf(out, "%s\n", head_line);
    for (size_t i = 0; i < list->count; i++) {
        char name[2 * KEY_NAME_BYTES + 1], text[BASE64_SIZE(AEAD_KEY_BYTES)];
        hex_encode(list->items[i].digest, KEY_NAME_BYTES, name);
        base64_encode(list->items[i].bytes, AEAD_KEY_BYTES, text);
        buf_printf(out, "%s %s\n", name, text);
        crypto_cleanse(text, sizeof text);
    }
}

/* Takes the next line off `text`, without its end. False at the end of the text. */
static bool take_line(struct slice *text, struct slice *line)
{
    if (text->length == 0)
        return false;
    const char *end = memchr(text->data, '\n', text->length);
    line->data = text->data;
    line->length = end ? (size_t)(end - text->data) : text->length;
    size_t taken = line->length + (end != NULL);
    text->data += taken;
    text->length -= taken;
    return true;
}

static enum status check_head(struct slice line)
{
    if (slice_equals(line, head_line))
        return STATUS_OK;
    size_t word = sizeof head_word - 1;
    bool is_ours = line.length > word && memcmp(line.data, head_word, word) == 0;
    return is_ours ? STATUS_VERSION : STATUS_CORRUPT;
}

/* `<8 hex digits> <44 of base64>`; the name must be the key's, so that a damaged line is noticed. */
static enum status parse_key(struct slice line, struct key *out)
{
    enum { NAME_TEXT = 2 * KEY_NAME_BYTES };
    unsigned char name[KEY_NAME_BYTES];
    size_t length;
    if (line.length != NAME_TEXT + BASE64_SIZE(AEAD_KEY_BYTES) || line.data[NAME_TEXT] != ' ')
        return STATUS_CORRUPT;
    if (hex_decode(line.data, name, sizeof name) != STATUS_OK)
        return STATUS_CORRUPT;
    if (base64_decode(line.data + NAME_TEXT + 1, line.length - NAME_TEXT - 1, out->bytes, sizeof out->bytes, &length) !=
            STATUS_OK ||
        length != sizeof out->bytes)
        return STATUS_CORRUPT;
    crypto_sha256(out->bytes, sizeof out->bytes, out->digest);
    return memcmp(name, out->digest, sizeof name) == 0 ? STATUS_OK : STATUS_CORRUPT;
}

enum status key_list_parse(struct slice text, struct key_list *out)
{
    struct slice line;
    if (!take_line(&text, &line))
        return STATUS_CORRUPT;
    enum status status = check_head(line);
    struct key key = {{0}, {0}};
    while (status == STATUS_OK && take_line(&text, &line)) {
        status = parse_key(line, &key);
        if (status == STATUS_OK)
            add(out, &key);
    }
    crypto_cleanse(&key, sizeof key);
    return status == STATUS_OK && out->count == 0 ? STATUS_CORRUPT : status;
}

/* ---- reading ---- */

static enum status check_owner(int fd, const char *path, struct stat *file, struct failure *failure)
{
    if (fstat(fd, file) != 0 || !S_ISREG(file->st_mode)) {
        failure_set(failure, "the master key %s is not a regular file; correct `master_key_file`", path);
        return STATUS_IO;
    }
    if (file->st_uid != geteuid()) {
        failure_set(failure, "the master key %s belongs to user %lu, not to user %lu who runs this; chown it", path,
                    (unsigned long)file->st_uid, (unsigned long)geteuid());
        return STATUS_DENIED;
    }
    if (file->st_mode & 077) {
        failure_set(failure, "other users may reach the master key %s; run `chmod 600 %s`", path, path);
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

/* Opens and checks; -1 and *status otherwise. O_NONBLOCK: a pipe in its place must not hang us. */
static int open_checked(const char *path, struct stat *file, enum status *status, struct failure *failure)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NOCTTY | O_NONBLOCK);
    if (fd < 0) {
        int reason = errno;
        failure_set(failure, "cannot read the master key %s: %s; %s", path, strerror(reason),
                    reason == ENOENT ? "run `hookturn init`, or restore it from a backup"
                                     : "it must be readable by the user who runs this");
        *status = reason == ENOENT ? STATUS_NOT_FOUND : reason == EACCES ? STATUS_DENIED : STATUS_IO;
        return -1;
    }
    *status = check_owner(fd, path, file, failure);
    if (*status == STATUS_OK)
        return fd;
    close(fd);
    return -1;
}

static enum status read_text(const char *path, struct buf *out, struct stat *file, struct failure *failure)
{
    enum status status;
    int fd = open_checked(path, file, &status, failure);
    if (fd < 0)
        return status;
    /* Once, so that the bytes stand in one place; with room to notice that there is more of it by now. */
    size_t room = file->st_size < FILE_MAX_BYTES ? (size_t)file->st_size + 1 : FILE_MAX_BYTES;
    buf_reserve(out, room);
    ssize_t got;
    do {
        got = read(fd, out->data + out->length, room - out->length);
        if (got > 0)
            out->length += (size_t)got;
    } while (got > 0 || (got < 0 && errno == EINTR));
    if (got < 0) {
        failure_set(failure, "cannot read the master key %s: %s", path, strerror(errno));
        status = STATUS_IO;
    }
    out->data[out->length] = '\0';
    close(fd);
    return status;
}

enum status key_list_read(const char *path, struct key_list *out, struct stat *file, struct failure *failure)
{
    struct buf text = {0};
    enum status status = read_text(path, &text, file, failure);
    if (status == STATUS_OK) {
        status = key_list_parse(buf_slice(&text), out);
        if (status == STATUS_VERSION)
            failure_set(failure, "the master key %s was written by a newer hookturn; install that version", path);
        else if (status != STATUS_OK)
            failure_set(failure, "the master key %s is damaged; restore it from a backup", path);
    }
    if (status != STATUS_OK)
        key_list_clear(out);
    buf_clear(&text);
    return status;
}

/* ---- writing ---- */

/* 0, or errno; then the file is not there. */
static int write_new(const char *path, const struct key_list *list)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    struct buf text = {0};
    key_list_compose(list, &text);
    int error =
        tree_write_all(fd, buf_slice(&text)) && fsync(fd) == 0 && tree_sync_parent(path) == STATUS_OK ? 0 : errno;
    buf_clear(&text);
    close(fd);
    if (error != 0)
        unlink(path);
    return error;
}

enum status key_list_create(const char *path, const struct key_list *list, struct failure *failure)
{
    int error = write_new(path, list);
    if (error == EEXIST)
        failure_set(failure, "the master key %s exists already and is not replaced", path);
    else if (error != 0)
        failure_set(failure, "cannot make the master key %s: %s", path, strerror(error));
    return error == 0 ? STATUS_OK : error == EEXIST ? STATUS_EXISTS : STATUS_IO;
}

enum status key_list_replace(const char *path, const struct key_list *list, struct failure *failure)
{
    char *real = realpath(path, NULL);
    const char *target = real ? real : path;
    struct buf beside = {0};
    buf_printf(&beside, "%s.new", target);
    int error = unlink(beside.data) == 0 || errno == ENOENT ? write_new(beside.data, list) : errno;
    if (error == 0 && rename(beside.data, target) != 0) {
        error = errno;
        unlink(beside.data);
    }
    if (error == 0 && tree_sync_parent(target) != STATUS_OK)
        error = errno;
    if (error != 0)
        failure_set(failure, "cannot write the master key %s: %s; its directory must be writable for user %lu", path,
                    strerror(error), (unsigned long)geteuid());
    buf_clear(&beside);
    free(real);
    return error == 0 ? STATUS_OK : STATUS_IO;
}
