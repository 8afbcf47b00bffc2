/* The master key: read from its file once when the store opens, and then used for every secret at rest. */
#include "base/keyring.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/mem.h"

enum {
    BLOB_FORMAT = 1,
    NAME_BYTES = 4,
    BLOB_HEAD = 1 + NAME_BYTES + AEAD_NONCE_BYTES,
    FILE_MAX_BYTES = 65536,
    FINGERPRINT_BYTES = 8
};
static const char head_word[] = "hookturn-master-key ";
static const char head_line[] = "hookturn-master-key 1";

struct key {
    unsigned char digest[SHA256_BYTES]; /* the key's name is its start */
    unsigned char bytes[AEAD_KEY_BYTES];
};

struct keyring {
    struct key *keys; /* the sealing one first */
    size_t count;
    size_t capacity; /* what was allocated: a damaged line leaves bytes behind the last counted key */
};

/* ---- the file ---- */

static enum status write_all(int fd, const char *bytes, size_t length)
{
    while (length > 0) {
        ssize_t written = write(fd, bytes, length);
        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return STATUS_IO;
        bytes += written;
        length -= (size_t)written;
    }
    return STATUS_OK;
}

/* The name of a new file is on disk once its directory is. */
static enum status sync_directory_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    char *directory = !slash          ? mem_strdup(".")
                      : slash == path ? mem_strdup("/")
                                      : mem_strndup(path, (size_t)(slash - path));
    int fd = open(directory, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    free(directory);
    if (fd < 0)
        return STATUS_IO;
    enum status status = fsync(fd) == 0 ? STATUS_OK : STATUS_IO;
    close(fd);
    return status;
}

static void compose_file(struct buf *out)
{
    unsigned char key[AEAD_KEY_BYTES], digest[SHA256_BYTES];
    char name[2 * NAME_BYTES + 1], text[BASE64_SIZE(AEAD_KEY_BYTES)];
    crypto_random(key, sizeof key);
    crypto_sha256(key, sizeof key, digest);
    hex_encode(digest, NAME_BYTES, name);
    base64_encode(key, sizeof key, text);
    buf_printf(out, "%s\n%s %s\n", head_line, name, text);
    crypto_cleanse(key, sizeof key);
    crypto_cleanse(text, sizeof text);
}

enum status keyring_create(const char *path, struct failure *failure)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (fd < 0 && errno == EEXIST) {
        failure_set(failure, "the master key %s exists already and is not replaced", path);
        return STATUS_EXISTS;
    }
    if (fd < 0) {
        failure_set(failure, "cannot make the master key %s: %s", path, strerror(errno));
        return STATUS_IO;
    }
    struct buf text = {0};
    compose_file(&text);
    enum status status = write_all(fd, text.data, text.length);
    buf_clear(&text);
    if (status == STATUS_OK && (fsync(fd) != 0 || sync_directory_of(path) != STATUS_OK))
        status = STATUS_IO;
    if (status != STATUS_OK) {
        failure_set(failure, "cannot write the master key %s: %s", path, strerror(errno));
        unlink(path);
    }
    close(fd);
    return status;
}

static enum status check_owner(int fd, const char *path, struct failure *failure)
{
    struct stat file;
    if (fstat(fd, &file) != 0 || !S_ISREG(file.st_mode)) {
        failure_set(failure, "the master key %s is not a regular file; correct `master_key_file`", path);
        return STATUS_IO;
    }
    if (file.st_uid != geteuid()) {
        failure_set(failure, "the master key %s belongs to user %lu, not to user %lu who runs this; chown it", path,
                    (unsigned long)file.st_uid, (unsigned long)geteuid());
        return STATUS_DENIED;
    }
    if (file.st_mode & 077) {
        failure_set(failure, "other users may reach the master key %s; run `chmod 600 %s`", path, path);
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

/* Opens and checks; -1 and *status otherwise. O_NONBLOCK: a pipe in its place must not hang us. */
static int open_checked(const char *path, enum status *status, struct failure *failure)
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
    *status = check_owner(fd, path, failure);
    if (*status == STATUS_OK)
        return fd;
    close(fd);
    return -1;
}

static enum status read_file(const char *path, struct buf *out, struct failure *failure)
{
    enum status status;
    int fd = open_checked(path, &status, failure);
    if (fd < 0)
        return status;
    buf_reserve(out, FILE_MAX_BYTES); /* once, so that the bytes stand in one place */
    ssize_t got;
    do {
        got = read(fd, out->data + out->length, FILE_MAX_BYTES - out->length);
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

/* ---- its text ---- */

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
    enum { NAME_TEXT = 2 * NAME_BYTES };
    unsigned char name[NAME_BYTES];
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

static enum status parse_file(struct slice text, struct keyring *out)
{
    struct slice line;
    if (!take_line(&text, &line))
        return STATUS_CORRUPT;
    enum status status = check_head(line);
    out->capacity = text.length / BASE64_SIZE(AEAD_KEY_BYTES) + 1;
    out->keys = mem_calloc(out->capacity, sizeof *out->keys);
    while (status == STATUS_OK && take_line(&text, &line)) {
        status = parse_key(line, &out->keys[out->count]);
        if (status == STATUS_OK)
            out->count++;
    }
    return status == STATUS_OK && out->count == 0 ? STATUS_CORRUPT : status;
}

enum status keyring_open(const char *path, struct keyring **out, struct failure *failure)
{
    struct buf text = {0};
    enum status status = read_file(path, &text, failure);
    if (status == STATUS_OK) {
        struct keyring *keyring = mem_calloc(1, sizeof *keyring);
        status = parse_file(buf_slice(&text), keyring);
        if (status == STATUS_VERSION)
            failure_set(failure, "the master key %s was written by a newer hookturn; install that version", path);
        else if (status != STATUS_OK)
            failure_set(failure, "the master key %s is damaged; restore it from a backup", path);
        if (status == STATUS_OK)
            *out = keyring;
        else
            keyring_free(keyring);
    }
    buf_clear(&text);
    return status;
}

void keyring_free(struct keyring *keyring)
{
    if (!keyring)
        return;
    mem_free_cleansed(keyring->keys, keyring->capacity * sizeof *keyring->keys);
    free(keyring);
}

void keyring_fingerprint(const struct keyring *keyring, char out[17])
{
    hex_encode(keyring->keys[0].digest, FINGERPRINT_BYTES, out);
}

/* ---- blobs ---- */

void keyring_seal(const struct keyring *keyring, struct slice aad, struct slice plain, struct buf *out)
{
    const struct key *key = &keyring->keys[0];
    buf_reserve(out, BLOB_HEAD + plain.length + AEAD_TAG_BYTES);
    unsigned char *blob = (unsigned char *)out->data + out->length;
    unsigned char *nonce = blob + 1 + NAME_BYTES;
    blob[0] = BLOB_FORMAT;
    memcpy(blob + 1, key->digest, NAME_BYTES);
    crypto_random(nonce, AEAD_NONCE_BYTES);
    crypto_aead_seal(key->bytes, nonce, aad.data, aad.length, plain.data, plain.length, blob + BLOB_HEAD);
    out->length += BLOB_HEAD + plain.length + AEAD_TAG_BYTES;
    out->data[out->length] = '\0';
}

static const struct key *find_key(const struct keyring *keyring, const unsigned char *name)
{
    for (size_t i = 0; i < keyring->count; i++)
        if (memcmp(keyring->keys[i].digest, name, NAME_BYTES) == 0)
            return &keyring->keys[i];
    return NULL;
}

enum status keyring_unseal(const struct keyring *keyring, struct slice aad, struct slice sealed, struct buf *out)
{
    const unsigned char *blob = (const unsigned char *)sealed.data;
    if (sealed.length < BLOB_HEAD + AEAD_TAG_BYTES || blob[0] != BLOB_FORMAT)
        return STATUS_CORRUPT;
    const struct key *key = find_key(keyring, blob + 1);
    if (!key)
        return STATUS_CORRUPT;
    size_t length = sealed.length - BLOB_HEAD;
    buf_reserve(out, length);
    enum status status = crypto_aead_open(key->bytes, blob + 1 + NAME_BYTES, aad.data, aad.length, blob + BLOB_HEAD,
                                          length, (unsigned char *)out->data + out->length);
    if (status == STATUS_OK)
        out->length += length - AEAD_TAG_BYTES;
    out->data[out->length] = '\0';
    return status;
}
