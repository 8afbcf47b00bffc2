/* Answering once: the row of an idempotency key. Its page is locked first in the transaction that does the work,
 * whether the row is there or not, and the row is written last: whoever repeats the request waits for that transaction
 * and then finds the answer. */
#include "store/bdb/bdb.h"

/* version, fingerprint, end, then the kept bytes */
enum { ANSWER_VERSION = 1, FINGERPRINT_AT = 1, EXPIRES_AT = FINGERPRINT_AT + SHA256_BYTES, KEPT_AT = EXPIRES_AT + 8 };

static struct bdb_key key_of(const struct idempotency *idempotency)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, idempotency->key, sizeof idempotency->key);
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
    struct bdb_key key = key_of(answer->idempotency);
    enum status status = bdb_get(bdb, txn, BDB_IDEMPOTENCY, &key, DB_RMW, &row);
    if (status == STATUS_OK)
        status = compare(&row, answer);
    else if (status == STATUS_NOT_FOUND)
        status = STATUS_OK;
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
    struct buf row = {0};
    struct bdb_key key = key_of(idempotency);
    bdb_value_add_number(&row, 1, ANSWER_VERSION);
    buf_append(&row, idempotency->fingerprint, sizeof idempotency->fingerprint);
    bdb_value_add_number(&row, 8, (uint64_t)idempotency->expires_at_ms);
    buf_append_slice(&row, buf_slice(&answer->kept));
    enum status status = bdb_put(bdb, txn, BDB_IDEMPOTENCY, &key, buf_slice(&row), 0);
    buf_clear(&row);
    return status;
}
