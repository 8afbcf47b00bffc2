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
#include "base/encoding.h"
#include "base/log.h"
#include "base/tree.h"

enum { PROOF_TEXT = 2 * SHA256_BYTES, PROOF_BYTES_MAX = 256 };

static const char aad[] = "hookturn master key"; /* of a proof in its old form */

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
    bool written = tree_write_all(fd, bytes) && fsync(fd) == 0;
    int cause = errno;
    close(fd);
    errno = cause;
    return written;
}

enum status key_proof_make(const char *data_dir, const struct keyring *keyring, struct failure *failure)
{
    char unique[32];
    snprintf(unique, sizeof unique, ".%ld", (long)getpid());
    struct buf path = path_in(data_dir, "");
    struct buf fresh = path_in(data_dir, unique);
    unsigned char digest[SHA256_BYTES];
    char text[PROOF_TEXT + 1];
    enum status status = STATUS_OK;
    keyring_digest(keyring, digest);
    hex_encode(digest, sizeof digest, text);
    if (!write_file(fresh.data, slice_of(text)) || rename(fresh.data, path.data) != 0) {
        status = status_of_errno();
        failure_set(failure, "cannot write %s: %s", path.data, strerror(errno));
        unlink(fresh.data);
    }
    buf_clear(&fresh);
    buf_clear(&path);
    return status;
}

/* *is_first: it need not be written anew. Before there was a digest in the file, something sealed stood there. */
static bool is_of(const struct keyring *keyring, struct slice proof, bool *is_first)
{
    unsigned char digest[SHA256_BYTES];
    *is_first = false;
    if (proof.length == PROOF_TEXT && hex_decode(proof.data, digest, sizeof digest) == STATUS_OK)
        return keyring_has_digest(keyring, digest, is_first);
    struct buf opened = {0};
    enum status status = keyring_unseal(keyring, slice_of(aad), proof, &opened);
    buf_clear(&opened);
    return status == STATUS_OK;
}

enum status key_proof_check(const char *data_dir, const struct keyring *keyring, struct failure *failure)
{
    char bytes[PROOF_BYTES_MAX];
    bool is_first = false;
    ssize_t length = read_proof(data_dir, bytes);
    if (length < 0 && errno != ENOENT) {
        failure_set(failure, "cannot read %s/store/master.proof: %s", data_dir, strerror(errno));
        return STATUS_IO;
    }
    if (length >= 0 && !is_of(keyring, (struct slice){bytes, (size_t)length}, &is_first)) {
        failure_set(failure, "the master key is not the one of the store in %s: put that one in its place", data_dir);
        return STATUS_DENIED;
    }
    struct failure unwritten;
    if (!is_first && key_proof_make(data_dir, keyring, &unwritten) != STATUS_OK)
        log_warn("key_proof_unwritten", LOG_TEXT("cause", unwritten.text));
    return STATUS_OK;
}
