/* The master key file: named AES-256 keys. The first seals; all of them open, so that a new key can be put in front
 * while what the old one sealed is still read.
 *
 * The file is text, mode 0600, owned by the effective user:
 *     hookturn-master-key 1
 *     <8 hex digits: the key's name> <base64 of 32 bytes>
 * with one key line or more, the sealing key first. A key's name is the start of its SHA-256.
 *
 * A sealed blob: 1 byte format (1), 4 bytes key name, 12 bytes nonce, ciphertext, 16 bytes tag. The associated data
 * binds it to its place; a blob moved to another record does not open. */
#ifndef HOOKTURN_BASE_KEYRING_H
#define HOOKTURN_BASE_KEYRING_H

#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

struct keyring;

/* Makes a new file with one random key, 0600, O_EXCL, synced. STATUS_EXISTS, STATUS_IO with a failure text. */
enum status keyring_create(const char *path, struct failure *failure) MUST_USE;
/* STATUS_NOT_FOUND, STATUS_DENIED (owner, or readable by others), STATUS_CORRUPT, STATUS_VERSION, STATUS_IO: each with
 * a failure text that says what to do. Free with keyring_free. */
enum status keyring_open(const char *path, struct keyring **out, struct failure *failure) MUST_USE;
void keyring_free(struct keyring *keyring);
/* 16 hex digits and a NUL that identify the sealing key without revealing it. */
void keyring_fingerprint(const struct keyring *keyring, char out[17]);

/* Appends the blob to `out`. */
void keyring_seal(const struct keyring *keyring, struct slice aad, struct slice plain, struct buf *out);
/* Appends the plain bytes to `out`. STATUS_CORRUPT: damaged, moved, or sealed by a key that is not in the ring. */
enum status keyring_unseal(const struct keyring *keyring, struct slice aad, struct slice sealed,
                           struct buf *out) MUST_USE;

#endif
