/* The store's contract, second part: deliveries, from the claim to the log, and probes. Included by store.h, whose
 * first comment holds for these verbs as well. */
#ifndef HOOKTURN_STORE_STORE_DELIVERY_H
#define HOOKTURN_STORE_STORE_DELIVERY_H

#include "store/store.h"

/* ---- deliveries ---- */

/* A delivery that this process may attempt until its lease ends. */
struct claim {
    struct object_id subscription_id;
    struct object_id event_id;
    struct uuid organization_id;
    uint32_t generation;
    uint32_t attempt_count; /* settled so far: this attempt's number is one more */
    uint32_t budget_used;
    int64_t lease_until_ms;
    bool is_forced; /* to be sent even where the subscription is paused */
};

/* How many of a subscription's deliveries can start now (0: none), and for how long a claim holds. */
struct admission {
    size_t count;
    int64_t lease_ms;
};
/* `subscription` is borrowed; it is not deleted, and active unless it is asked about forced deliveries or a probe. */
typedef struct admission (*store_admit)(void *context, const struct subscription *subscription);

/* Who claims. Of each subscription that has something due it is asked in this order, with nothing locked; once a call,
 * and once more where some of that is forced. */
struct claimer {
    void *context;
    bool is_hasty; /* others wait for the answer, and the next call comes soon: where many subscriptions have something
                      waiting, it is enough to look at those that something came for or was claimed of lately; all of
                      them have their turn over several calls */
    /* NULL: never. True where nothing could be admitted anyway: the subscription is not even read. */
    bool (*passes_over)(void *context, const struct object_id *subscription_id);
    store_admit admit;
    /* NULL, or told after each admission how many of them there were to claim. */
    void (*claimed)(void *context, size_t count);
};

/* Takes over new events (in transactions of their own), then claims up to `max` due deliveries: forced ones first, then
 * the others, going round the subscriptions from where the last call ended. `out` has room for `max`; *count is set.
 * *next_due_ms: when something will be due that is not yet (INT64_MAX: nothing known), or now_ms or soon after where
 * not all subscriptions were looked at; what was due but not admitted does not count. With a `max` of 0 the claimer may
 * be NULL. Deliveries of deleted subscriptions are CANCELLED on the way; those of paused ones stay. */
enum status store_claim(struct store *store, int64_t now_ms, size_t max, const struct claimer *claimer,
                        struct claim *out, size_t *count, int64_t *next_due_ms) MUST_USE;

/* The end of an attempt. */
struct settlement {
    struct claim claim;
    struct attempt attempt;
    enum delivery_status status; /* WAITING: due again at due_at_ms */
    int64_t due_at_ms;
    struct event
        *notice;      /* NULL: none. As struct change's: published where this settlement ended the delivery as FAILED */
    bool was_applied; /* out: false where the lease had ended or another generation holds the delivery */
    int64_t failing_since_ms; /* out, where applied: since when its subscription has done nothing but fail
                                 (model/health.h), 0: it has not */
};
/* Up to STORE_SETTLE_MAX in one transaction: all of them are taken or none. More go in several. */
enum { STORE_SETTLE_MAX = 200 };
enum status store_settle(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count) MUST_USE;
/* Hands claims back unattempted: due again at once, nothing counted. */
enum status store_release(struct store *store, int64_t now_ms, const struct claim *claims, size_t count) MUST_USE;

/* A committed state, read now. From the moment when an event was answered all of its deliveries are there; from the
 * moment when their subscription was deleted those that wait are CANCELLED. STATUS_NOT_FOUND also for another
 * organization's. */
enum status store_delivery_get(struct store *store, const struct uuid *organization_id,
                               const struct object_id *subscription_id, const struct object_id *event_id,
                               struct delivery *out) MUST_USE;
/* `number` from 1. The caller clears `out`. */
enum status store_attempt_get(struct store *store, const struct object_id *subscription_id,
                              const struct object_id *event_id, uint32_t number, struct attempt *out) MUST_USE;

/* A delivery with what it shows of its event. */
struct delivery_entry {
    struct delivery delivery;
    struct event_head event;
};

/* A page of one subscription's deliveries, newest first: in the order of object_id_compare_time of their events. */
struct delivery_page {
    const struct uuid *organization_id;
    const struct object_id *subscription_id;
    enum delivery_status status; /* only these; 0: all */
    int64_t since_ms;            /* only those created at or after it; INT64_MIN: all */
    const char *event_name;      /* only those of events with this name; NULL: all */
    struct object_id behind;     /* the event of the last one looked at; in: all zero for the first page */
    size_t max;
    struct delivery_entry *entries; /* the caller's, room for `max` */
    size_t count;                   /* out */
    bool has_more;                  /* out: a page from `behind` on may bring others */
};
/* A call looks at a bounded number of deliveries, so a page whose filter lets few through may be short, even empty,
 * while has_more is set. Whatever comes meanwhile, a delivery that was there at the first page is in exactly one.
 * (One of a wide event is there from when a worker has written it.) STATUS_NOT_FOUND: no such subscription. */
enum status store_delivery_list(struct store *store, struct delivery_page *page) MUST_USE;

/* Makes a delivery due now. A finished one is WAITING again with a fresh budget of retries; one that waits keeps its
 * budget; one that is being attempted under a running lease, or is due already, stays as it is. One that was cancelled
 * while it was attempted is due when that lease ends. *out is set for the render as well. STATUS_NOT_FOUND;
 * STATUS_CONFLICT: its subscription is gone. */
enum status store_delivery_retry(struct store *store, const struct uuid *organization_id,
                                 const struct object_id *subscription_id, const struct object_id *event_id,
                                 int64_t now_ms, struct delivery_entry *out, struct answer *answer) MUST_USE;
/* Makes a WAITING delivery CANCELLED; what a running attempt brings is not heard any more. Likewise, but
 * STATUS_CONFLICT: it is finished. */
enum status store_delivery_cancel(struct store *store, const struct uuid *organization_id,
                                  const struct object_id *subscription_id, const struct object_id *event_id,
                                  int64_t now_ms, struct delivery_entry *out, struct answer *answer) MUST_USE;

/* Deliveries of one subscription that ended in failure at since_ms or later and before until_ms. */
enum { STORE_RECOVER_MAX = 500 };
struct recovery {
    const struct uuid *organization_id;
    const struct object_id *subscription_id;
    int64_t since_ms, until_ms;
    size_t requeued; /* out, for the render as well */
    bool has_more;   /* out, likewise: the window may hold others */
};
/* Up to STORE_RECOVER_MAX of them, those that failed first, are due now, each as by store_delivery_retry. One
 * transaction, so a repeat with the same idempotency key finds all of it done or nothing. STATUS_NOT_FOUND: no such
 * subscription. */
enum status store_recover(struct store *store, int64_t now_ms, struct recovery *recovery,
                          struct answer *answer) MUST_USE;

/* ---- probes ---- */

/* Asks for a probe of the subscription, or finds the one that is pending. *out is it, also for the render. Whoever
 * works is woken. STATUS_NOT_FOUND also for tombstones. STATUS_CONFLICT: the subscription is not signed. */
enum status store_probe_request(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                struct probe *out, struct answer *answer) MUST_USE;
/* The subscription's latest, pending or done. STATUS_NOT_FOUND: there is none; or the subscription is gone, or was not
 * signed any more when its turn came. */
enum status store_probe_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                            struct probe *out) MUST_USE;

/* A pending probe that this process may make until its lease ends. */
struct probe_claim {
    struct object_id subscription_id;
    struct uuid organization_id;
    uint32_t generation;
    int64_t lease_until_ms;
};
/* Claims the first pending probe behind `after` (all zero: from the start, in the order of subscriptions' ids) that
 * nobody works on and that is admitted: `admit` is asked as by store_claim, but about paused subscriptions, too, and a
 * count of 1 is enough. Probes of subscriptions that are deleted or not signed any more end on the way, as PROBE_VOID.
 * STATUS_NOT_FOUND: none. *next_due_ms is lowered on either: to when one that is worked on will be out again. */
enum status store_probe_claim(struct store *store, int64_t now_ms, const struct object_id *after, store_admit admit,
                              void *context, struct probe_claim *out, int64_t *next_due_ms) MUST_USE;
/* The claim's lease runs anew from now_ms on. STATUS_CONFLICT: the claim does not hold any more. */
enum status store_probe_extend(struct store *store, int64_t now_ms, int64_t lease_ms,
                               struct probe_claim *claim) MUST_USE;
/* Hands a claim back: the probe is out again at once. A claim that does not hold any more changes nothing. */
enum status store_probe_release(struct store *store, int64_t now_ms, const struct probe_claim *claim) MUST_USE;

/* How a probe ended. */
struct probe_settlement {
    struct probe_claim claim;
    uint64_t version; /* of the subscription that both requests were made with */
    struct probe_reply replies[PROBE_PARTS];
    bool was_applied; /* out: false where the claim did not hold any more; or the subscription has another version by
                         now, and then the probe is out again at once: it says nothing about what was not asked */
};
enum status store_probe_finish(struct store *store, int64_t now_ms, struct probe_settlement *settlement) MUST_USE;

#endif
