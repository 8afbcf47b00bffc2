/* Kept answers go when nobody can repeat the request any more. Their keys are digests, so the whole table is gone
 * through; requests wait for the pages of a transaction, so it holds few. */
#include "store/bdb/bdb_upkeep.h"

enum { ANSWERS_MAX = 50 /* in one transaction */ };

struct sweep {
    struct bdb_upkeep *upkeep;
    struct bdb_key keys[ANSWERS_MAX];
    size_t count;
    size_t deleted; /* out */
    bool is_over;
};

static bool has_ended(const struct sweep *sweep, const struct buf *row)
{
    int64_t expires_at_ms;
    return bdb_answer_ends(buf_slice(row), &expires_at_ms) && expires_at_ms <= sweep->upkeep->now_ms;
}

/* What was looked at before a repetition and had not ended is left for the next pass. */
static enum status look_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    struct upkeep_state *state = sweep->upkeep->state;
    struct bdb_cursor cursor;
    const struct bdb_key place = bdb_upkeep_place(state);
    enum status status = bdb_cursor_open(bdb, txn, BDB_IDEMPOTENCY, 0, &cursor);
    if (status != STATUS_OK)
        return status;
    size_t looked = 0;
    status = bdb_cursor_seek(&cursor, &place);
    for (; status == STATUS_OK && looked < BDB_LOOK_MAX && sweep->count < ANSWERS_MAX; looked++) {
        if (has_ended(sweep, &cursor.value))
            sweep->keys[sweep->count++] = cursor.key;
        bdb_upkeep_go_on_behind(state, &cursor.key);
        status = bdb_cursor_next(&cursor);
    }
    bdb_cursor_close(&cursor);
    sweep->is_over = status == STATUS_NOT_FOUND;
    return status == STATUS_NOT_FOUND ? STATUS_OK : status;
}

static enum status delete_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct sweep *sweep = context;
    struct buf row = {0};
    enum status status = STATUS_OK;
    sweep->deleted = 0;
    for (size_t i = 0; i < sweep->count && status == STATUS_OK; i++) {
        status = bdb_get(bdb, txn, BDB_IDEMPOTENCY, &sweep->keys[i], DB_RMW, &row);
        if (status == STATUS_OK && has_ended(sweep, &row)) {
            status = bdb_delete(bdb, txn, BDB_IDEMPOTENCY, &sweep->keys[i]);
            sweep->deleted++;
        }
        if (status == STATUS_NOT_FOUND)
            status = STATUS_OK;
    }
    buf_clear(&row);
    return status;
}

enum status bdb_upkeep_answers(struct bdb_upkeep *upkeep, bool *is_over)
{
    struct sweep sweep = {.upkeep = upkeep};
    enum status status = bdb_run(upkeep->bdb, BDB_READ, 0, look_work, &sweep);
    if (status == STATUS_OK && sweep.count > 0)
        status = bdb_run(upkeep->bdb, BDB_NOSYNC, BDB_USES(BDB_IDEMPOTENCY), delete_work, &sweep);
    if (status != STATUS_OK)
        return status;
    upkeep->counts->answers += sweep.deleted;
    *is_over = sweep.is_over;
    return STATUS_OK;
}
