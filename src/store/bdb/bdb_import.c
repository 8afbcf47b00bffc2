/* Records that were exported, put in: a batch in one transaction. A record that is there already is replaced by a later
 * state of itself alone; what refers to something that is not there is left out, so that nothing stands in the store
 * that no one would ever remove. The order of work, what failed and the other indexes follow from the records. */
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"
#include "store/bdb/bdb_import.h"

struct batch {
    struct export_record *items;
    size_t count;
    int64_t now_ms;
    uint64_t outcomes[IMPORT_OUTCOMES]; /* out */
    size_t at;                          /* out: the item that was looked at last */
};

/* ---- keys and answers ---- */

/* A revocation is never taken back. */
static enum status merge_api_key(struct bdb *bdb, DB_TXN *txn, const struct api_key *key, struct api_key *before,
                                 enum import_outcome *outcome)
{
    if (object_id_compare(&before->id, &key->id) != 0)
        return STATUS_EXISTS;
    bool is_news = before->revoked_at_ms == 0 && key->revoked_at_ms != 0;
    bool is_same = before->revoked_at_ms == key->revoked_at_ms;
    *outcome = is_news ? IMPORT_UPDATED : is_same ? IMPORT_SAME : IMPORT_KEPT;
    before->revoked_at_ms = key->revoked_at_ms;
    return is_news ? bdb_api_key_write(bdb, txn, before, 0) : STATUS_OK;
}

static enum status import_api_key(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                  enum import_outcome *outcome)
{
    const struct api_key *key = &item->api_key;
    struct api_key before;
    (void)now_ms;
    enum status status = bdb_api_key_read(bdb, txn, key->digest, DB_RMW, &before);
    if (status == STATUS_NOT_FOUND) {
        *outcome = IMPORT_ADDED;
        return bdb_api_key_add(bdb, txn, key);
    }
    if (status != STATUS_OK)
        return status;
    status = merge_api_key(bdb, txn, key, &before, outcome);
    api_key_clear(&before);
    return status;
}

static enum status import_answer(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                 enum import_outcome *outcome)
{
    struct kept_answer *answer = &item->answer;
    struct kept_answer before = {.expires_at_ms = 0};
    bool has_changed;
    enum status status = bdb_answer_read(bdb, txn, answer->key, &before);
    buf_clear(&before.sealed);
    if (status != STATUS_OK && status != STATUS_NOT_FOUND)
        return status;
    *outcome = IMPORT_ADDED;
    if (status == STATUS_OK && before.expires_at_ms > now_ms)
        *outcome = before.expires_at_ms == answer->expires_at_ms ? IMPORT_SAME : IMPORT_KEPT;
    else if (answer->expires_at_ms <= now_ms)
        *outcome = IMPORT_LEFT_OUT;
    if (*outcome != IMPORT_ADDED)
        return STATUS_OK;
    const struct slice place = {(const char *)answer->key, sizeof answer->key};
    status = keyring_reseal(bdb->store.keyring, place, &answer->sealed, &has_changed);
    return status == STATUS_OK ? bdb_answer_put(bdb, txn, answer) : status;
}

/* ---- events ---- */

static enum status import_event(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                enum import_outcome *outcome)
{
    struct event *event = &item->event;
    (void)now_ms;
    event->expanded_count = event->subscription_count; /* its deliveries follow, each a record */
    enum status status = bdb_event_write(bdb, txn, event);
    *outcome = status == STATUS_EXISTS ? IMPORT_SAME : IMPORT_ADDED;
    return status == STATUS_EXISTS ? STATUS_OK : status;
}

/* ---- deliveries ---- */

/* STATUS_NOT_FOUND: its event, or its subscription, is not there, or another organization's. */
static enum status expect_owners(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery)
{
    struct event_head event;
    struct buf byte = {0};
    const struct bdb_key key = bdb_subscription_key(&delivery->organization_id, &delivery->subscription_id);
    enum status status = bdb_event_head_read(bdb, txn, &delivery->event_id, &event);
    if (status == STATUS_OK &&
        memcmp(&event.organization_id, &delivery->organization_id, sizeof event.organization_id) != 0)
        status = STATUS_NOT_FOUND;
    if (status == STATUS_OK)
        status = bdb_get_head(bdb, txn, BDB_SUBSCRIPTION, &key, DB_READ_COMMITTED, 1, &byte);
    buf_clear(&byte);
    return status;
}

static enum status take_place(struct bdb *bdb, DB_TXN *txn, const struct delivery *delivery)
{
    const struct bdb_due due = bdb_due_of(delivery);
    switch (delivery->status) {
    case DELIVERY_WAITING:
        return bdb_due_put(bdb, txn, &due);
    case DELIVERY_FAILED:
        return bdb_failed_put(bdb, txn, delivery);
    default:
        return STATUS_OK;
    }
}

/* Every change but a cancellation raises the generation, and what was finished is waiting again under another one. */
static enum import_outcome judge(const struct delivery *before, const struct delivery *after)
{
    bool was_waiting = before->status == DELIVERY_WAITING, is_waiting = after->status == DELIVERY_WAITING;
    if (after->generation != before->generation)
        return after->generation > before->generation ? IMPORT_UPDATED : IMPORT_KEPT;
    if (was_waiting == is_waiting)
        return IMPORT_SAME;
    return was_waiting ? IMPORT_UPDATED : IMPORT_KEPT;
}

static enum status import_delivery(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                   enum import_outcome *outcome)
{
    const struct delivery *delivery = &item->delivery;
    struct delivery before;
    (void)now_ms;
    enum status status = bdb_delivery_read(bdb, txn, &delivery->subscription_id, &delivery->event_id, DB_RMW, &before);
    if (status == STATUS_NOT_FOUND) {
        status = expect_owners(bdb, txn, delivery);
        *outcome = status == STATUS_NOT_FOUND ? IMPORT_LEFT_OUT : IMPORT_ADDED;
        if (status != STATUS_OK)
            return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    } else if (status == STATUS_OK) {
        *outcome = judge(&before, delivery);
        if (*outcome != IMPORT_UPDATED)
            return STATUS_OK;
        status = bdb_delivery_leave_place(bdb, txn, &before);
    }
    if (status == STATUS_OK)
        status = bdb_delivery_write(bdb, txn, delivery, 0);
    return status == STATUS_OK ? take_place(bdb, txn, delivery) : status;
}

/* Attempts are written once. Without its delivery nobody would ever remove it. */
static enum status import_attempt(struct bdb *bdb, DB_TXN *txn, struct export_record *item, int64_t now_ms,
                                  enum import_outcome *outcome)
{
    struct delivery delivery;
    struct attempt before;
    (void)now_ms;
    enum status status = bdb_delivery_read(bdb, txn, &item->subscription_id, &item->event_id, 0, &delivery);
    *outcome = IMPORT_LEFT_OUT;
    if (status != STATUS_OK || item->attempt.number > delivery.attempt_count)
        return status == STATUS_NOT_FOUND ? STATUS_OK : status;
    status = bdb_attempt_read(bdb, txn, &item->subscription_id, &item->event_id, item->attempt.number, &before);
    *outcome = status == STATUS_OK ? IMPORT_SAME : IMPORT_ADDED;
    if (status == STATUS_OK)
        attempt_clear(&before);
    return status == STATUS_NOT_FOUND ? bdb_attempt_write(bdb, txn, &delivery, &item->attempt) : status;
}

/* ---- the verb ---- */

static const bdb_import_put putters[EXPORT_RECORD_KINDS] = {
    [EXPORT_RECORD_API_KEY] = import_api_key,
    [EXPORT_RECORD_ANSWER] = import_answer,
    [EXPORT_RECORD_SUBSCRIPTION] = bdb_import_subscription,
    [EXPORT_RECORD_PROBE] = bdb_import_probe,
    [EXPORT_RECORD_EVENT] = import_event,
    [EXPORT_RECORD_DELIVERY] = import_delivery,
    [EXPORT_RECORD_ATTEMPT] = import_attempt,
};

static enum status put_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct batch *batch = context;
    enum status status = STATUS_OK;
    memset(batch->outcomes, 0, sizeof batch->outcomes);
    for (size_t i = 0; i < batch->count && status == STATUS_OK; i++) {
        enum import_outcome outcome = IMPORT_SAME;
        batch->at = i;
        status = putters[batch->items[i].kind](bdb, txn, &batch->items[i], batch->now_ms, &outcome);
        batch->outcomes[outcome]++;
    }
    return status;
}

enum status bdb_put_all(struct store *store, int64_t now_ms, struct export_record *items, size_t count,
                        uint64_t outcomes[IMPORT_OUTCOMES], size_t *taken)
{
    struct bdb *bdb = bdb_of(store);
    struct batch batch = {.items = items, .count = count, .now_ms = now_ms};
    const uint32_t all_but_inboxes = BDB_USES(BDB_INBOX) - 1;
    enum status status = bdb_run(bdb, BDB_SYNC, all_but_inboxes, put_work, &batch);
    if (status == STATUS_EXISTS)
        *taken = batch.at;
    if (status != STATUS_OK)
        return status;
    for (size_t i = 0; i < IMPORT_OUTCOMES; i++)
        outcomes[i] += batch.outcomes[i];
    bdb_wake(bdb);
    return STATUS_OK;
}
