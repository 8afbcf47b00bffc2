/* store_rekey: the new key is in the file before anything is sealed under it, and the old ones leave it after a pass
 * has found nothing under them. One pass would do: every writer seals while it holds the record, after a look at the
 * file (keyring.h), so what is written behind a pass is sealed under the key that was in front when it began. */
#include <unistd.h>

#include "store/key_proof.h"
#include "store/store_files.h"

/* Until nothing is left. `unreadable` is what the last pass found. */
static enum status reseal_all(struct store *store, const struct store_progress *progress, struct store_rekey *out,
                              struct failure *failure)
{
    enum status status;
    uint64_t before;
    do {
        before = out->records;
        out->unreadable = 0;
        status = store->engine->reseal(store, progress, out, failure);
    } while (status == STATUS_OK && out->records > before);
    return status;
}

static enum status find_fingerprint(const char *path, struct store_rekey *out, struct failure *failure)
{
    struct keyring *keyring;
    enum status status = keyring_open(path, &keyring, failure);
    if (status == STATUS_OK) {
        keyring_fingerprint(keyring, out->fingerprint);
        out->was_resumed = keyring_count(keyring) > 1;
        keyring_free(keyring);
    }
    return status;
}

static enum status rekey(struct store *store, const struct conf *conf, const struct store_progress *progress,
                         struct store_rekey *out, struct failure *failure)
{
    const char *path = conf->master_key_file;
    enum status status = find_fingerprint(path, out, failure);
    bool was_resumed = out->was_resumed;
    if (status == STATUS_OK && !was_resumed)
        status = keyring_file_add(path, failure);
    if (status == STATUS_OK)
        status = find_fingerprint(path, out, failure);
    out->was_resumed = was_resumed;
    if (status == STATUS_OK) /* a pass with the old keys alone would find everything as it should be */
        status = keyring_read_anew(store->keyring, failure);
    if (status == STATUS_OK)
        status = reseal_all(store, progress, out, failure);
    if (status == STATUS_OK)
        status = key_proof_make(conf->data_dir, store->keyring, failure);
    return status == STATUS_OK ? keyring_file_prune(path, failure) : status;
}

enum status store_rekey(struct store *store, const struct conf *conf, const struct store_progress *progress,
                        struct store_rekey *out, struct failure *failure)
{
    int lock;
    *out = (struct store_rekey){.records = 0};
    enum status status = store_hold_keys(conf, &lock, failure);
    if (status == STATUS_OK) {
        status = rekey(store, conf, progress, out, failure);
        close(lock);
    }
    return status;
}
