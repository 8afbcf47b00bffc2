/* The proof's file. It is replaced by a rename, so that who reads it beside somebody who writes it sees one or the
 * other.
 */
#include "store/key_proof.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

enum { PROOF_BYTES_MAX = 256, HEAD_BYTES = 5 /* of a blob: they name the key */ };

static const char aad[] = "hookturn master key";
static const char plain[] = "proof";

static struct buf path_in(const char *data_dir, const char *suffix)
{
    struct buf path = {0};
    buf_printf(&path, "%s/store/master.proof%s", data_dir, suffix);
    return path;
}

/* Below zero: errno says why. */
static ssize_t read_proof(const char *data_dir, char out[PROOF_BYTES_MAX])
{
    struct buf path = path_in(data_dir, "");
    int fd = open(path.data, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    buf_clear(&path);
    if (fd < 0)
        return -1;
    ssize_t length = read(fd, out, PROOF_BYTES_MAX);
    int cause = errno;
    close(fd);
    errno = cause;
    return length;
}

static bool write_file(const char *path, struct slice bytes)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    if (fd < 0)
        return false;
    bool written = write(fd, bytes.data, bytes.length) == (ssize_t)bytes.length && fsync(fd) == 0;
    int cause = errno;
    close(fd);
    errno = cause;
    return written;
}

static void write_proof(const char *data_dir, struct slice sealed)
{
    char unique[32];
    snprintf(unique, sizeof unique, ".%ld", (long)getpid());
    struct buf path = path_in(data_dir, "");
    struct buf fresh = path_in(data_dir, unique);
    if (!write_file(fresh.data, sealed) || rename(fresh.data, path.data) != 0) {
        log_warn("key_proof_unwritten", LOG_TEXT("cause", strerror(errno)));
        unlink(fresh.data);
    }
    buf_clear(&fresh);
    buf_clear(&path);
}

static bool is_opened_by(const struct keyring *keyring, struct slice proof)
{
    struct buf opened = {0};
    enum status status = keyring_unseal(keyring, slice_of(aad), proof, &opened);
    buf_clear(&opened);
    return status == STATUS_OK;
}

enum status key_proof_check(const char *data_dir, const struct keyring *keyring, struct failure *failure)
{
    char bytes[PROOF_BYTES_MAX];
    ssize_t length = read_proof(data_dir, bytes);
    if (length < 0 && errno != ENOENT) {
        failure_set(failure, "cannot read %s/store/master.proof: %s", data_dir, strerror(errno));
        return STATUS_IO;
    }
    if (length >= 0 && !is_opened_by(keyring, (struct slice){bytes, (size_t)length})) {
        failure_set(failure, "the master key is not the one of the store in %s: put that one in its place", data_dir);
        return STATUS_DENIED;
    }
    struct buf fresh = {0};
    keyring_seal(keyring, slice_of(aad), slice_of(plain), &fresh);
    if (length < HEAD_BYTES || memcmp(bytes, fresh.data, HEAD_BYTES) != 0)
        write_proof(data_dir, buf_slice(&fresh));
    buf_clear(&fresh);
    return STATUS_OK;
}
