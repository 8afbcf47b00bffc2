/* The master key file: named AES-256 keys. The first seals; all of them open, so that a new key can be put in front
 * while what the old one sealed is still read.
 *
 * The file is text, mode 0600, owned by the effective user:
 *     hookturn-master-key 1
 *     <8 hex digits: the key's name> <base64 of 32 bytes>
 * with one key line or more, the sealing key first. A key's name is the start of its SHA-256.
 *
 * A sealed blob: 1 byte format (1), 4 bytes key name, 12 bytes nonce, ciphertext, 16 bytes tag. The associated data
 * binds it to its place; a blob moved to another record does not open.
 *
 * A ring follows its file. Before it seals it looks whether another file stands there: so what is sealed after a new
 * key was put in front is sealed under that key, in every process. It reads the file anew also when it meets a blob
 * under a key that it does not know; and it goes on opening with a key that has left the file, because somebody may
 * have read a blob just before. Threads may share one. */
#ifndef HOOKTURN_BASE_KEYRING_H
#define HOOKTURN_BASE_KEYRING_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/status.h"

struct keyring;

/* 16 hex digits identify a key without revealing it; the first 8 are its name. Both with a NUL. */
enum { KEYRING_FINGERPRINT = 17, KEYRING_NAME = 9 };

/* Makes a new file with one random key, 0600, O_EXCL, synced. STATUS_EXISTS, STATUS_IO with a failure text. */
enum status keyring_create(const char *path, struct failure *failure) MUST_USE;
/* STATUS_NOT_FOUND, STATUS_DENIED (owner, or readable by others), STATUS_CORRUPT, STATUS_VERSION, STATUS_IO: each with
 * a failure text that says what to do. Free with keyring_free. */
enum status keyring_open(const char *path, struct keyring **out, struct failure *failure) MUST_USE;
void keyring_free(struct keyring *keyring);
/* Reads the file now. Everything else follows the file by itself, but where that cannot be read it goes on with the
 * keys that it has: who is about to rely on a key's being in use has to know. The errors of keyring_open, with a
 * failure text, also in the log; the keys stay as they were then. */
enum status keyring_read_anew(const struct keyring *keyring, struct failure *failure) MUST_USE;
/* Of the sealing key. */
void keyring_fingerprint(const struct keyring *keyring, char out[KEYRING_FINGERPRINT]);
/* The whole SHA-256 of the sealing key, as the file has it now. It reveals nothing of the key. */
void keyring_digest(const struct keyring *keyring, unsigned char out[SHA256_BYTES]);
/* Whether a key of that SHA-256 is in the ring; if so, *is_first says whether it is the sealing one. */
bool keyring_has_digest(const struct keyring *keyring, const unsigned char digest[SHA256_BYTES], bool *is_first);
/* How many keys the file held when it was read last. More than one: a change of keys has begun and is not through. */
size_t keyring_count(const struct keyring *keyring);
/* Whether it opens what was sealed under the key of that name. */
bool keyring_has(const struct keyring *keyring, const char *name);

/* Appends the blob to `out`. */
void keyring_seal(const struct keyring *keyring, struct slice aad, struct slice plain, struct buf *out);
/* Appends the plain bytes to `out`. STATUS_CORRUPT: damaged, moved, or sealed by a key that is not in the ring. */
enum status keyring_unseal(const struct keyring *keyring, struct slice aad, struct slice sealed,
                           struct buf *out) MUST_USE;
/* Seals anew, in place, what is not sealed under the sealing key. *has_changed is set. STATUS_CORRUPT as above. */
enum status keyring_reseal(const struct keyring *keyring, struct slice aad, struct buf *sealed,
                           bool *has_changed) MUST_USE;
/* The name of the key that a blob is sealed under. False: it is no blob. */
bool keyring_blob_name(struct slice sealed, char out[KEYRING_NAME]);

/* ---- changing the file ---- */

/* Each is one step: the file before it, or the one after it, is what everybody finds. STATUS_IO with a failure text, or
 * those of keyring_open where a file is read. */

/* Puts a new random key in front of those that are there. */
enum status keyring_file_add(const char *path, struct failure *failure) MUST_USE;
/* Leaves the first key alone. */
enum status keyring_file_prune(const char *path, struct failure *failure) MUST_USE;
/* Appends the keys of the file `from` that are missing; where there is no file yet, makes it. */
enum status keyring_file_join(const char *path, const char *from, struct failure *failure) MUST_USE;
/* Puts the keys of the file `from` in place of those that are there. */
enum status keyring_file_copy(const char *path, const char *from, struct failure *failure) MUST_USE;
/* Makes a new file with all keys that the ring opens with. Also STATUS_EXISTS. */
enum status keyring_save(const struct keyring *keyring, const char *path, struct failure *failure) MUST_USE;

#endif
