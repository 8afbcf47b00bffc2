/* Answering once: the row of an idempotency key. Its page is locked first in the transaction that does the work,
 * whether the row is there or not, and the row is written last: whoever repeats the request waits for that transaction
 * and then finds the answer. */
#include "store/bdb/bdb_import.h"

/* version, fingerprint, end, then the kept bytes */
enum { ANSWER_VERSION = 1, FINGERPRINT_AT = 1, EXPIRES_AT = FINGERPRINT_AT + SHA256_BYTES, KEPT_AT = EXPIRES_AT + 8 };

static struct bdb_key key_of(const unsigned char *digest)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, digest, SHA256_BYTES);
    return key;
}

enum status bdb_answer_kept(struct slice row, struct slice *out)
{
    if (row.length >= 1 && (unsigned char)row.data[0] > ANSWER_VERSION)
        return STATUS_VERSION;
    if (row.length < KEPT_AT)
        return STATUS_CORRUPT;
    *out = (struct slice){row.data + KEPT_AT, row.length - KEPT_AT};
    return STATUS_OK;
}

void bdb_answer_keep_instead(struct slice row, struct slice kept, struct buf *out)
{
    buf_append(out, row.data, KEPT_AT);
    buf_append_slice(out, kept);
}

static enum status compare(const struct buf *row, struct answer *answer)
{
    const struct idempotency *idempotency = answer->idempotency;
    struct slice kept;
    enum status status = bdb_answer_kept(buf_slice(row), &kept);
    if (status != STATUS_OK)
        return status;
    if ((int64_t)bytes_get(row->data + EXPIRES_AT, 8) <= idempotency->now_ms)
        return STATUS_OK;
    if (!crypto_equal(row->data + FINGERPRINT_AT, idempotency->fingerprint, SHA256_BYTES))
        return STATUS_MISMATCH;
    buf_reset(&answer->kept);
    buf_append_slice(&answer->kept, kept);
    return STATUS_REPLAY;
}

bool bdb_answer_ends(struct slice row, int64_t *expires_at_ms)
{
    if (row.length < KEPT_AT || (unsigned char)row.data[0] > ANSWER_VERSION)
        return false;
    *expires_at_ms = (int64_t)bytes_get(row.data + EXPIRES_AT, 8);
    return true;
}

enum status bdb_answer_begin(struct bdb *bdb, DB_TXN *txn, struct answer *answer)
{
    if (!answer || !answer->idempotency)
        return STATUS_OK;
    struct buf row = {0};
    struct bdb_key key = key_of(answer->idempotency->key);
    enum status status = bdb_get(bdb, txn, BDB_IDEMPOTENCY, &key, DB_RMW, &row);
    if (status == STATUS_OK)
        status = compare(&row, answer);
    else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
    buf_clear(&row);
    return status;
}

static enum status put_row(struct bdb *bdb, DB_TXN *txn, const unsigned char *digest, const unsigned char *fingerprint,
                           int64_t expires_at_ms, const struct buf *kept)
{
    struct buf row = {0};
    struct bdb_key key = key_of(digest);
    bdb_value_add_number(&row, 1, ANSWER_VERSION);
    buf_append(&row, fingerprint, SHA256_BYTES);
    bdb_value_add_number(&row, 8, (uint64_t)expires_at_ms);
    buf_append_slice(&row, buf_slice(kept));
    enum status status = bdb_put(bdb, txn, BDB_IDEMPOTENCY, &key, buf_slice(&row), 0);
    buf_clear(&row);
    return status;
}

enum status bdb_answer_finish(struct bdb *bdb, DB_TXN *txn, struct answer *answer)
{
    if (!answer)
        return STATUS_OK;
    buf_reset(&answer->kept);
    answer->render(answer->context, &answer->kept);
    const struct idempotency *idempotency = answer->idempotency;
    if (!idempotency)
        return STATUS_OK;
    return put_row(bdb, txn, idempotency->key, idempotency->fingerprint, idempotency->expires_at_ms, &answer->kept);
}

/* ---- as a record ---- */

enum status bdb_answer_decode(struct slice row, struct kept_answer *out)
{
    struct slice kept;
    enum status status = bdb_answer_kept(row, &kept);
    if (status != STATUS_OK)
        return status;
    memcpy(out->fingerprint, row.data + FINGERPRINT_AT, SHA256_BYTES);
    out->expires_at_ms = (int64_t)bytes_get(row.data + EXPIRES_AT, 8);
    buf_append_slice(&out->sealed, kept);
    return STATUS_OK;
}

enum status bdb_answer_read(struct bdb *bdb, DB_TXN *txn, const unsigned char *digest, struct kept_answer *out)
{
    struct buf row = {0};
    struct bdb_key key = key_of(digest);
    enum status status = bdb_get(bdb, txn, BDB_IDEMPOTENCY, &key, DB_RMW, &row);
    if (status == STATUS_OK)
        status = bdb_answer_decode(buf_slice(&row), out);
    buf_clear(&row);
    return status;
}

enum status bdb_answer_put(struct bdb *bdb, DB_TXN *txn, const struct kept_answer *answer)
{
    return put_row(bdb, txn, answer->key, answer->fingerprint, answer->expires_at_ms, &answer->sealed);
}
