/* Whether the master key is the one that the store's secrets are sealed with. A few bytes that everybody knows lie
 * sealed beside the store's tables, in `master.proof`: who cannot open them has another store's key, and must not go on
 * to seal anything with it. */
#ifndef HOOKTURN_STORE_KEY_PROOF_H
#define HOOKTURN_STORE_KEY_PROOF_H

#include "base/keyring.h"
#include "base/status.h"

/* STATUS_OK: the keyring opens the proof; where there was none, or it was sealed by another key of the ring than the
 * first, it was made anew (a failure of that is logged, no more). Call it whenever a key was put in front, before an
 * older one goes. STATUS_DENIED, with a failure text: it is the key of another store. */
enum status key_proof_check(const char *data_dir, const struct keyring *keyring, struct failure *failure) MUST_USE;

#endif
