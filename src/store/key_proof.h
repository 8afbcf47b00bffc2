/* Whether the master key is the one that the store's secrets are sealed with. The sealing key's SHA-256 lies beside the
 * store's tables, in `master.proof`: who has no such key has another store's, and must not go on to seal anything with
 * it. (A digest, because every plain CGI request looks: opening something sealed costs it half a millisecond.) */
#ifndef HOOKTURN_STORE_KEY_PROOF_H
#define HOOKTURN_STORE_KEY_PROOF_H

#include "base/keyring.h"
#include "base/status.h"

/* Writes the proof for the first key of the ring, in place of one that is there. Whoever takes an old key out of the
 * ring does this first: nobody could open the store any more. STATUS_FULL, STATUS_IO: with a failure text. */
enum status key_proof_make(const char *data_dir, const struct keyring *keyring, struct failure *failure) MUST_USE;
/* STATUS_OK: the proof's key is in the ring. Where there was no proof, or it was another key's than the first, it is
 * made anew; where that fails it is logged, and the next one tries. STATUS_DENIED: it is the key of another store.
 * STATUS_IO. With a failure text. */
enum status key_proof_check(const char *data_dir, const struct keyring *keyring, struct failure *failure) MUST_USE;

#endif
