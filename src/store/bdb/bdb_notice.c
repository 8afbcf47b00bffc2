/* Events of our own: what a customer is told about his subscriptions. They are put beside what they tell of, in one
 * transaction, so that none is lost and none tells of what did not happen. */
#include "store/bdb/bdb_event.h"

#include <stdlib.h>

#include "base/mem.h"

static bool concerns_the_same(const struct event *a, const struct event *b)
{
    return memcmp(&a->organization_id, &b->organization_id, sizeof a->organization_id) == 0 &&
           strcmp(a->name, b->name) == 0;
}

static void copy_subscriptions(const struct event *from, struct event *to)
{
    free(to->subscriptions);
    to->subscriptions = NULL;
    to->subscription_count = from->subscription_count;
    if (from->subscription_count == 0)
        return;
    to->subscriptions = mem_calloc(from->subscription_count, sizeof *to->subscriptions);
    memcpy(to->subscriptions, from->subscriptions, from->subscription_count * sizeof *to->subscriptions);
}

static const struct event *find_matched(struct event *const *notices, size_t count, const struct event *wanted)
{
    for (size_t i = 0; i < count; i++)
        if (notices[i] && concerns_the_same(notices[i], wanted))
            return notices[i];
    return NULL;
}

/* They name no agent and no workspace: where one of a batch goes, the others of its name go. */
enum status bdb_notices_match(struct bdb *bdb, struct event *const *notices, size_t count)
{
    enum status status = STATUS_OK;
    for (size_t i = 0; i < count && status == STATUS_OK; i++) {
        if (!notices[i])
            continue;
        const struct event *matched = find_matched(notices, i, notices[i]);
        if (matched)
            copy_subscriptions(matched, notices[i]);
        else
            status = bdb_match(bdb, notices[i], 1);
    }
    return status;
}

uint32_t bdb_notice_tables(const struct event *notice)
{
    bool is_wanted = notice && notice->subscription_count > 0;
    return is_wanted ? BDB_USES(BDB_EVENT) | BDB_USES(bdb_inbox_table(&notice->id)) : 0;
}

enum status bdb_notice_put(struct bdb *bdb, DB_TXN *txn, struct event *notice)
{
    if (!notice || notice->subscription_count == 0)
        return STATUS_OK;
    const struct bdb_inbox_row row = {.created_at_ms = notice->created_at_ms};
    notice->expanded_count = 0;
    enum status status = bdb_event_write(bdb, txn, notice);
    return status == STATUS_OK ? bdb_inbox_put(bdb, txn, &notice->id, &row) : status;
}
