/* Claiming: round the subscriptions that have something due, one look at each; those that are admitted have some of
 * their deliveries leased, in transactions that hold nothing but what they change. Before that the same for what is
 * forced, paused subscriptions included; there is hardly ever anything. Where many subscriptions have something due,
 * somebody in haste goes round those on the agenda most of the time. */
#include "store/bdb/bdb_agenda.h"
#include "store/bdb/bdb_due.h"
#include "store/bdb/bdb_event.h"

#include <assert.h>

enum {
    TOMBSTONE_STEPS = 10, /* transactions a call and deleted subscription */
    HASTY_HOPS = 500      /* a call of somebody in haste */
};

/* One call of store_claim. */
struct round {
    struct bdb *bdb;
    int64_t now_ms;
    const struct claimer *claimer;
    struct claim *out;
    size_t max;
    size_t count;
    int64_t next_due_ms;
    bool is_forced; /* which deliveries it is for now */
    size_t hops;
};

/* One transaction on one subscription. */
struct step {
    struct bdb_due rows[BDB_STEP_MAX];
    struct object_id subscription_id;
    bool is_forced;
    const struct subscription *tombstone; /* NULL: claim; else cancel */
    int64_t now_ms;
    int64_t lease_ms;
    size_t wanted;
    struct claim *claims;
    size_t claimed;      /* out */
    size_t seen;         /* out: rows that were due, stale ones included */
    int64_t next_due_ms; /* out */
};

/* ---- one transaction ---- */

static enum status cancel_row(struct bdb *bdb, DB_TXN *txn, const struct step *step, struct delivery *delivery)
{
    bdb_delivery_cancel(delivery, step->tombstone->updated_at_ms);
    return bdb_delivery_write(bdb, txn, delivery, 0);
}

static enum status claim_row(struct bdb *bdb, DB_TXN *txn, struct step *step, struct bdb_due due,
                             struct delivery *delivery)
{
    delivery->generation++;
    delivery->lease_until_ms = step->now_ms + step->lease_ms;
    if (due.due_at_ms < delivery->next_attempt_at_ms)
        delivery->next_attempt_at_ms =
            due.due_at_ms; /* where it was moved to (bdb_order): handed back, it returns there */
    enum status status = bdb_delivery_write(bdb, txn, delivery, 0);
    due.due_at_ms = delivery->lease_until_ms; /* when the lease ends without a settlement it is due again by itself */
    due.generation = delivery->generation;
    due.has_old_key = false;
    if (status == STATUS_OK)
        status = bdb_due_put(bdb, txn, &due);
    step->claims[step->claimed++] = (struct claim){.subscription_id = delivery->subscription_id,
                                                   .event_id = delivery->event_id,
                                                   .organization_id = delivery->organization_id,
                                                   .generation = delivery->generation,
                                                   .attempt_count = delivery->attempt_count,
                                                   .budget_used = delivery->budget_used,
                                                   .lease_until_ms = delivery->lease_until_ms,
                                                   .is_forced = delivery->is_forced};
    return status;
}

/* The row goes in any case: to the lease's end, or for good where it is stale or its delivery is cancelled. */
static enum status step_row(struct bdb *bdb, DB_TXN *txn, struct step *step, const struct bdb_due *due)
{
    struct delivery delivery;
    enum status status = bdb_due_delete(bdb, txn, due);
    if (status != STATUS_OK)
        return status;
    status = bdb_delivery_read(bdb, txn, &due->subscription_id, &due->event_id, DB_RMW, &delivery);
    if (status == STATUS_NOT_FOUND)
        return STATUS_OK;
    if (status != STATUS_OK)
        return status;
    if (delivery.status != DELIVERY_WAITING || delivery.generation != due->generation)
        return STATUS_OK;
    return step->tombstone ? cancel_row(bdb, txn, step, &delivery) : claim_row(bdb, txn, step, *due, &delivery);
}

static enum status step_work(struct bdb *bdb, DB_TXN *txn, void *context)
{
    struct step *step = context;
    size_t max = step->wanted < BDB_STEP_MAX ? step->wanted : BDB_STEP_MAX;
    step->claimed = 0;
    step->next_due_ms = INT64_MAX;
    enum status status = bdb_due_collect(bdb, txn, step->is_forced, &step->subscription_id, step->now_ms, max,
                                         step->rows, &step->seen, &step->next_due_ms);
    for (size_t i = 0; i < step->seen && status == STATUS_OK; i++)
        status = step_row(bdb, txn, step, &step->rows[i]);
    return status;
}

/* ---- one subscription ---- */

static void lower(int64_t *bound, int64_t value)
{
    if (value < *bound)
        *bound = value;
}

static uint32_t tables_of(const struct step *step)
{
    return BDB_USES(BDB_DELIVERY) | (step->is_forced ? BDB_USES(BDB_URGENT) : BDB_USES(BDB_DUE));
}

/* *has_more: as many as were wanted were there. */
static enum status claim_rows(struct round *round, struct step *step, size_t wanted, bool *has_more)
{
    *has_more = true;
    while (wanted > 0 && *has_more) {
        size_t asked = wanted < BDB_STEP_MAX ? wanted : BDB_STEP_MAX;
        step->wanted = asked;
        step->claims = round->out + round->count;
        enum status status = bdb_run(round->bdb, BDB_NOSYNC, tables_of(step), step_work, step);
        if (status != STATUS_OK)
            return status;
        round->count += step->claimed;
        wanted -= step->claimed;
        lower(&round->next_due_ms, step->next_due_ms);
        *has_more = step->seen == asked;
    }
    return STATUS_OK;
}

static enum status claim_admitted(struct round *round, struct step *step, struct admission admission)
{
    size_t room = round->max - round->count;
    size_t before = round->count;
    bool has_more;
    if (admission.count == 0)
        return STATUS_OK;
    step->lease_ms = admission.lease_ms > 0 ? admission.lease_ms : 1;
    enum status status = claim_rows(round, step, admission.count < room ? admission.count : room, &has_more);
    if (round->claimer->claimed)
        round->claimer->claimed(round->claimer->context, round->count - before);
    if (status != STATUS_OK || round->is_forced)
        return status;
    if (has_more)
        bdb_agenda_add(round->bdb->agenda, &step->subscription_id);
    else
        bdb_agenda_remove(round->bdb->agenda, &step->subscription_id);
    return STATUS_OK;
}

static enum status cancel_all(struct round *round, struct step *step, const struct subscription *tombstone)
{
    step->tombstone = tombstone;
    step->wanted = BDB_STEP_MAX;
    for (int i = 0; i < TOMBSTONE_STEPS; i++) {
        enum status status = bdb_run(round->bdb, BDB_NOSYNC, tables_of(step), step_work, step);
        if (status != STATUS_OK)
            return status;
        lower(&round->next_due_ms, step->next_due_ms);
        if (step->seen < BDB_STEP_MAX)
            return STATUS_OK;
    }
    lower(&round->next_due_ms, round->now_ms); /* the rest in the next call */
    return STATUS_OK;
}

struct lookup {
    const struct bdb_due *due;
    struct subscription *out;
};

static enum status read_subscription(struct bdb *bdb, DB_TXN *txn, void *context)
{
    const struct lookup *lookup = context;
    return bdb_subscription_read(bdb, txn, &lookup->due->organization_id, &lookup->due->subscription_id, 0,
                                 lookup->out);
}

static struct admission admit(const struct round *round, const struct subscription *subscription)
{
    return round->claimer->admit(round->claimer->context, subscription);
}

/* What was due when the subscription became active is put in order first. */
static enum status serve_active(struct round *round, struct step *step, const struct bdb_due *first,
                                const struct subscription *subscription)
{
    bool is_in_order = true;
    int64_t until_ms = subscription->activated_at_ms < round->now_ms ? subscription->activated_at_ms : round->now_ms;
    if (first->due_at_ms <= until_ms) {
        enum status status = bdb_order(round->bdb, &first->subscription_id, until_ms, &is_in_order);
        if (status != STATUS_OK)
            return status;
    }
    if (is_in_order)
        return claim_admitted(round, step, admit(round, subscription));
    lower(&round->next_due_ms, round->now_ms); /* the rest in the next call */
    return STATUS_OK;
}

/* `first`: the subscription's first row, which is due. */
static enum status serve(struct round *round, const struct bdb_due *first)
{
    struct subscription subscription;
    struct lookup lookup = {first, &subscription};
    struct step step = {
        .subscription_id = first->subscription_id, .is_forced = round->is_forced, .now_ms = round->now_ms};
    enum status status = bdb_run(round->bdb, BDB_READ, 0, read_subscription, &lookup);
    if (status != STATUS_OK)
        return status;
    if (subscription.is_deleted) {
        status = cancel_all(round, &step, &subscription);
    } else if (subscription.active && !round->is_forced) {
        status = serve_active(round, &step, first, &subscription);
    } else if (round->is_forced) {
        status = claim_admitted(round, &step, admit(round, &subscription));
    } else { /* paused */
        bdb_agenda_remove(round->bdb->agenda, &step.subscription_id);
    }
    subscription_clear(&subscription);
    return status;
}

static enum status serve_or_pass_over(struct round *round, const struct bdb_due *first)
{
    enum status status = serve(round, first);
    if (!bdb_is_unreadable(status))
        return status;
    bdb_pass_over(round->bdb, "subscription or one of its deliveries", &first->subscription_id, status);
    return STATUS_OK;
}

/* ---- rounds ---- */

/* The next one to look at behind `after`, with its first row. STATUS_NOT_FOUND: none is left on this side. */
typedef enum status (*find_next)(struct round *round, const struct object_id *after, struct bdb_due *out);

static enum status find_in_table(struct round *round, const struct object_id *after, struct bdb_due *out)
{
    round->hops += !round->is_forced;
    return bdb_due_hop(round->bdb, round->is_forced, after, out);
}

static bool is_passed_over(const struct round *round, const struct object_id *subscription_id)
{
    const struct claimer *claimer = round->claimer;
    return claimer->passes_over && claimer->passes_over(claimer->context, subscription_id);
}

static enum status find_on_agenda(struct round *round, const struct object_id *after, struct bdb_due *out)
{
    struct object_id id = *after;
    enum status status;
    while ((status = bdb_agenda_next(round->bdb->agenda, &id, &id)) == STATUS_OK) {
        if (is_passed_over(round, &id))
            continue;
        status = bdb_due_first(round->bdb, &id, out);
        if (status == STATUS_OK && out->due_at_ms > round->now_ms)
            lower(&round->next_due_ms, out->due_at_ms);
        else if (status != STATUS_NOT_FOUND)
            return status;
        bdb_agenda_remove(round->bdb->agenda, &id);
    }
    return status;
}

static enum status look_at(struct round *round, const struct bdb_due *first)
{
    if (first->due_at_ms > round->now_ms) {
        lower(&round->next_due_ms, first->due_at_ms);
        return STATUS_OK;
    }
    return is_passed_over(round, &first->subscription_id) ? STATUS_OK : serve_or_pass_over(round, first);
}

/* Each once, from behind the one that was served last, over the end, and up to that one. */
static enum status go_round(struct round *round, find_next find, struct object_id *last)
{
    const struct object_id end = *last;
    bool wrapped = false;
    while (round->count < round->max) {
        struct bdb_due first;
        enum status status = find(round, last, &first);
        if (status == STATUS_NOT_FOUND && !wrapped) {
            wrapped = true;
            memset(last, 0, sizeof *last);
            continue;
        }
        if (status == STATUS_NOT_FOUND || (wrapped && object_id_compare(&first.subscription_id, &end) > 0)) {
            *last = end;
            return STATUS_OK;
        }
        if (status == STATUS_OK)
            status = look_at(round, &first);
        if (status != STATUS_OK)
            return status;
        *last = first.subscription_id;
        if (round->claimer->is_hasty && round->hops == HASTY_HOPS) {
            lower(&round->next_due_ms, round->now_ms);
            return STATUS_OK;
        }
    }
    return STATUS_OK;
}

/* Always from the start: they are few. */
static enum status serve_forced(struct round *round)
{
    struct object_id start = {{0}};
    round->is_forced = true;
    enum status status = go_round(round, find_in_table, &start);
    round->is_forced = false;
    return status;
}

static struct object_id get_place(struct bdb *bdb, const struct object_id *place)
{
    pthread_mutex_lock(&bdb->mutex);
    struct object_id copy = *place;
    pthread_mutex_unlock(&bdb->mutex);
    return copy;
}

static void set_place(struct bdb *bdb, struct object_id *place, const struct object_id *last)
{
    pthread_mutex_lock(&bdb->mutex);
    *place = *last;
    pthread_mutex_unlock(&bdb->mutex);
}

static enum status go_round_agenda(struct round *round, int64_t full_round_in_ms)
{
    struct bdb *bdb = round->bdb;
    struct object_id last = get_place(bdb, &bdb->agenda_last);
    enum status status = go_round(round, find_on_agenda, &last);
    set_place(bdb, &bdb->agenda_last, &last);
    lower(&round->next_due_ms, round->now_ms + full_round_in_ms);
    return status;
}

static enum status go_round_all(struct round *round)
{
    struct bdb *bdb = round->bdb;
    struct object_id last = get_place(bdb, &bdb->claimed_last);
    enum status status = go_round(round, find_in_table, &last);
    set_place(bdb, &bdb->claimed_last, &last);
    bdb_agenda_note_round(bdb->agenda, round->hops);
    return status;
}

enum status bdb_claim(struct store *store, int64_t now_ms, size_t max, const struct claimer *claimer, struct claim *out,
                      size_t *count, int64_t *next_due_ms)
{
    struct bdb *bdb = bdb_of(store);
    struct round round = {bdb, now_ms, claimer, out, max, 0, INT64_MAX, false, 0};
    bool is_done;
    assert(claimer || max == 0);
    bool is_hasty = claimer && claimer->is_hasty;
    enum status status = bdb_intake(bdb, is_hasty, &is_done);
    if (status != STATUS_OK)
        return status;
    int64_t rest_ms = is_hasty ? bdb_agenda_round_in_ms(bdb->agenda) : 0;
    status = serve_forced(&round);
    if (status == STATUS_OK)
        status = rest_ms > 0 ? go_round_agenda(&round, rest_ms) : go_round_all(&round);
    if (status != STATUS_OK && round.count == 0)
        return status;
    if (!is_done)
        lower(&round.next_due_ms, now_ms);
    *count = round.count; /* what was claimed before an error is the caller's; the error comes again */
    *next_due_ms = round.next_due_ms;
    return STATUS_OK;
}
