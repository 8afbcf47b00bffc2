/* The store's contract: verbs of the product. One verb is one transaction, or several small ones where its comment says
 * so; it is done or it has changed nothing. No transaction handle and no engine's pointer crosses this door.
 *
 * Any verb may also return: STATUS_AGAIN (conflicts beyond the bounded retries), STATUS_FULL (no space),
 * STATUS_UNAVAILABLE (recovering or leaving), STATUS_UNKNOWN (it failed in the act of committing: done or not),
 * STATUS_CORRUPT, STATUS_VERSION, STATUS_IO. The engine has logged the cause. Verbs may be called from several threads
 * at once. Whatever a verb promised to a client is on disk, synced, when it returns STATUS_OK; claims, releases and
 * settlements survive a killed process but may be repeated after a power loss. */
#ifndef HOOKTURN_STORE_STORE_H
#define HOOKTURN_STORE_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "base/keyring.h"
#include "base/status.h"
#include "model/api_key.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/probe.h"
#include "model/subscription.h"

struct store;

/* ---- life ---- */

/* How long store_open may wait for others: a request 2 s, commands and workers 20 s. For one request: by a program that
 * has no threads and ends after it; SIGALRM is the store's then. */
enum store_role { STORE_FOR_REQUEST, STORE_FOR_ONE_REQUEST, STORE_FOR_COMMAND };

/* The status with which a process leaves by itself when the store must be recovered: its parent (or the web server)
 * starts another. EX_TEMPFAIL of sysexits.h. */
enum { STORE_EXIT_LEFT = 75 };

/* Makes an empty store and the master key below conf->data_dir, which exists, is owned by the effective user and 0700.
 * STATUS_EXISTS where there is one already. All errors come with a failure text. */
enum status store_create(const struct conf *conf, struct failure *failure) MUST_USE;
/* Opens conf->store, running recovery where it is needed. The process must not fork while it is open. From then on the
 * process may be ended by _exit(STORE_EXIT_LEFT), 300 ms after the last verbs began to return STATUS_UNAVAILABLE, when
 * another process died inside the store.
 * STATUS_NOT_FOUND (not initialised), STATUS_DENIED (owner, permissions, another store's master key), STATUS_VERSION,
 * STATUS_UNAVAILABLE (the wait was in vain), STATUS_FULL, STATUS_INVALID (unknown engine; network file system): each
 * with a failure text. */
enum status store_open(const struct conf *conf, enum store_role role, struct store **out,
                       struct failure *failure) MUST_USE;
/* Ends cleanly: no other process notices. NULL is ignored. */
void store_close(struct store *store);
const struct keyring *store_keyring(const struct store *store);
/* The engine's name, for health: "bdb". */
const char *store_engine(const struct store *store);
/* The version of the form in which the engine keeps it. */
int store_format(const struct store *store);
/* Housekeeping that somebody must do about once a second: a checkpoint where one is due. Cheap otherwise. */
enum status store_maintain(struct store *store);
/* True once the process is about to leave: start nothing new. */
bool store_is_leaving(const struct store *store);
/* Reads everything and verifies every structure. Nobody else may have the store open: STATUS_CONFLICT. */
enum status store_check(const struct conf *conf, struct failure *failure) MUST_USE;

/* ---- copies, and the key that all is sealed under ---- */

/* How far a long verb has come; `total` is 0 where it is not known. False: stop; the verb then returns STATUS_CONFLICT
 * with a failure text, and has changed nothing, or what it can go on from. */
struct store_progress {
    bool (*report)(void *context, const char *step, uint64_t done, uint64_t total);
    void *context;
};

/* What a backup is. */
struct store_backup {
    int64_t made_at_ms;
    uint64_t bytes;      /* of all files */
    uint64_t records;    /* in all tables */
    uint64_t unreadable; /* of them: damaged, or what is sealed in them does not open */
    char fingerprint[KEYRING_FINGERPRINT];
    bool has_key; /* the master key is in it */
};

/* Copies everything while everybody works, into `directory` (made, 0700; an empty one will do): all that was answered
 * before, as it was at one moment near the end. What was copied is then read and verified, with nobody in its way. The
 * configuration's file comes along, the master key `with_key` alone. Until all is well and on disk, the directory is
 * called `<directory>.hookturn-unfinished`, and there is nothing of it after a failure; what a killed process left of
 * it goes with the next backup to that place. Opens the store by itself, and closes it: as store_open.
 * STATUS_EXISTS: something is there. STATUS_CONFLICT: another backup is made just now. STATUS_CORRUPT: what was copied
 * does not verify. STATUS_AGAIN: the wait for others that open or recover was in vain. STATUS_UNAVAILABLE: the store
 * must be left; the next process begins anew. Errors come with a failure text. */
enum status store_backup(const struct conf *conf, const char *directory, bool with_key,
                         const struct store_progress *progress, struct store_backup *out,
                         struct failure *failure) MUST_USE;

/* What a restore put aside, in the data directory; "" where there was nothing. Names, not paths. */
struct store_aside {
    char store[64];
    char key[64];
};
/* Puts the backup in place of the store, after its copy in the data directory was verified; the store that was there is
 * kept under another name. Nobody may have the store open, and nobody comes in meanwhile. A process that is killed
 * leaves the old store in place, or the new one, and a master key file that opens it.
 * Where something in it is sealed under a key that is not in the master key file, the backup must have brought its key,
 * which is then put in that file's place; the file that was there is kept. Where the configuration in use is the one in
 * the backup, a copy of it goes to the data directory, unless there is one.
 * STATUS_NOT_FOUND: no backup. STATUS_CONFLICT: the store is open somewhere, or a key is being changed. STATUS_DENIED:
 * of another master key. STATUS_VERSION: of a newer hookturn. STATUS_CORRUPT: damaged. STATUS_INVALID: of another
 * engine, or as store_open. In every case nothing was changed, and a failure text says why. */
enum status store_restore(const struct conf *conf, const char *directory, const struct store_progress *progress,
                          struct store_backup *out, struct store_aside *aside, struct failure *failure) MUST_USE;

struct store_rekey {
    uint64_t records;    /* sealed anew */
    uint64_t unreadable; /* damaged: left as they are */
    bool was_resumed;    /* an earlier call had put the key in front */
    char fingerprint[KEYRING_FINGERPRINT];
};
/* A new master key: puts it in front in the master key file, seals under it all that is sealed under another, in small
 * transactions while everybody works, and when a whole pass has found nothing more, takes the others out of the file.
 * Whatever ends it, the file opens all that is stored, and the next call goes on. STATUS_CONFLICT: another one is at
 * it. Errors come with a failure text. */
enum status store_rekey(struct store *store, const struct conf *conf, const struct store_progress *progress,
                        struct store_rekey *out, struct failure *failure) MUST_USE;

/* ---- API keys ---- */

enum status store_key_put(struct store *store, const struct api_key *key) MUST_USE;
/* By digest. STATUS_NOT_FOUND. Revoked and expired keys are found: api_key_is_valid() says. Caller clears. */
enum status store_key_find(struct store *store, const unsigned char *digest, struct api_key *out) MUST_USE;
/* In the order of their ids. `visit` borrows; returning false ends the walk. */
enum status store_key_walk(struct store *store, bool (*visit)(void *context, const struct api_key *key),
                           void *context) MUST_USE;
/* Revoking a revoked key keeps the first time and is STATUS_OK. STATUS_NOT_FOUND. */
enum status store_key_revoke(struct store *store, const struct object_id *id, int64_t now_ms) MUST_USE;

/* As if it had never been: for keys that were only made to try something. STATUS_NOT_FOUND. */
enum status store_key_delete(struct store *store, const struct object_id *id) MUST_USE;

/* ---- answering once ---- */

/* An Idempotency-Key as the store knows it. The row is inserted first in the same transaction, so that a second request
 * waits for the first one's commit. */
struct idempotency {
    unsigned char key[SHA256_BYTES];         /* digest of organization, path and key */
    unsigned char fingerprint[SHA256_BYTES]; /* of method and body; zero where that is not taken */
    int64_t now_ms;                          /* rows that expired are as if they were not there */
    int64_t expires_at_ms;
};

/* How a verb that answers a request remembers its answer. `render` is pure and may be called more than once (a retry
 * starts anew): it appends the bytes to keep, already sealed. On STATUS_REPLAY `kept` has the bytes of the first
 * answer and nothing else was done; STATUS_MISMATCH: the key was used with another fingerprint. */
struct answer {
    const struct idempotency *idempotency;           /* NULL: the answer is not kept (render is still called) */
    void (*render)(void *context, struct buf *kept); /* sealed, the idempotency's `key` as associated data */
    void *context;
    struct buf kept; /* the caller clears it */
};

/* ---- subscriptions ---- */

/* The change that a verb makes to a record it holds for writing. Pure but for what `context` collects; may be called
 * more than once, and starts anew each time. Any status but STATUS_OK rolls back and is returned by the verb.
 * now_ms is taken while the record is held: it never runs backwards over the record's own times. */
struct change {
    enum status (*apply)(void *context, int64_t now_ms, struct subscription *subscription);
    void *context;
    struct answer *answer; /* NULL: nobody is answered; its render sees what apply left in the context */
    struct event *notice; /* of an update, NULL: none. Published in the same transaction to the subscriptions that match
                             it, where the record is written; apply may compose its body. In: all other members but the
                             subscriptions; where nobody matches it, it is not kept */
    bool is_unchanged;    /* of an update: reset before each call of apply, which sets it where nothing is to change:
                             the record is not written, its version not raised; an answer is kept all the same */
};

/* Makes a subscription: `apply` gets one with id, organization_id and the two times set and fills in the rest. The id
 * is larger than every earlier one of the organization. STATUS_LIMIT: it has max_subscriptions already. STATUS_EXISTS:
 * the name is taken. `version` is 1 for the render. */
enum status store_subscription_create(struct store *store, const struct uuid *organization_id, size_t max_subscriptions,
                                      struct change *change) MUST_USE;
/* Reads for writing, applies, raises the version (apply sees it raised), writes back. updated_at_ms is apply's
 * business. STATUS_NOT_FOUND also for tombstones. STATUS_EXISTS: the new name is taken.
 * An apply that sets is_deleted makes a tombstone, and updated_at_ms then says when: the name is free, there is room
 * for another subscription, waiting deliveries read CANCELLED, and new events pass it over. */
enum status store_subscription_update(struct store *store, const struct uuid *organization_id,
                                      const struct object_id *id, struct change *change) MUST_USE;
/* A committed state, read now. STATUS_NOT_FOUND also for tombstones. The caller clears `out`. */
enum status store_subscription_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                   struct subscription *out) MUST_USE;

/* Whose it is: for commands, as it looks into every organization. STATUS_NOT_FOUND also for tombstones. */
enum status store_subscription_owner(struct store *store, const struct object_id *id,
                                     struct uuid *organization_id) MUST_USE;
/* Oldest first, from behind `after` (all zero: from the start), at most `max`, tombstones passed over. `visit` borrows,
 * is called with nothing locked, and ends the list by returning false. *has_more: there was something behind the last
 * one visited. Whatever comes and goes between two calls, a subscription that stays is visited exactly once. */
enum status store_subscription_list(struct store *store, const struct uuid *organization_id,
                                    const struct object_id *after, size_t max,
                                    bool (*visit)(void *context, const struct subscription *subscription),
                                    void *context, bool *has_more) MUST_USE;

/* ---- events ---- */

/* An id for a new event: object_id_make_lane. */
void store_event_id_make(struct store *store, int64_t now_ms, struct object_id *out);
/* Events of one organization: matches each against its subscriptions, with every change that was answered before, and
 * commits all of them, with the list of their deliveries, or none. In: all members but the subscriptions. Out:
 * subscriptions and their count, also for the render. An event whose id is there already is left as it is, with its
 * count read back (a repeated call does nothing twice).
 */
enum status store_publish(struct store *store, struct event *events, size_t count, struct answer *answer) MUST_USE;
/* The same for one event and one subscription alone, whatever its filter and scope; the delivery is forced: sent even
 * while the subscription is paused, and before others of it. STATUS_NOT_FOUND: no such subscription. */
enum status store_publish_forced(struct store *store, const struct object_id *subscription_id, struct event *event,
                                 struct answer *answer) MUST_USE;
enum status store_event_get(struct store *store, const struct object_id *id, struct event *out) MUST_USE;

/* ---- housekeeping ---- */

struct upkeep_limits {
    int64_t retention_ms; /* so long deliveries may wait before they are cancelled; so long finished ones are kept with
                             their attempts, and events until the last of their deliveries goes */
    uint64_t max_waiting; /* deliveries of one subscription; the oldest beyond that are cancelled */
};
/* Where a pass stands; `{0}` begins one. All but the first member is the engine's. */
struct upkeep_state {
    bool only_waiting; /* the caller's: max_waiting alone */
    unsigned stage;
    unsigned char place[80];
    size_t place_length;
    struct object_id subject; /* what is being looked at across calls, and what is known of it so far */
    uint64_t count;
    uint64_t surplus;
    bool is_kept;
};
struct upkeep_counts {
    uint64_t expired;       /* deliveries that were cancelled because they had waited longer than retention */
    uint64_t surplus;       /* and because of max_waiting */
    uint64_t deliveries;    /* these and the following were deleted */
    uint64_t events;        /* also those that nobody got */
    uint64_t answers;       /* that were kept for repetitions, and whose time was over */
    uint64_t subscriptions; /* deleted ones, of which nothing was left but that they were deleted */
};
/* One step of a pass, short enough for whoever waits for it: it looks at some rows and changes about STORE_SETTLE_MAX
 * of them, in one transaction, which is not synced: what is lost with it is done again. `counts` is added to. *is_done:
 * the pass is over, and the next call begins another. Several processes may do this at once. What an engine cannot read
 * it leaves alone. */
enum status store_upkeep(struct store *store, int64_t now_ms, const struct upkeep_limits *limits,
                         struct upkeep_state *state, struct upkeep_counts *counts, bool *is_done) MUST_USE;

/* ---- seeing and waking ---- */

struct store_statistics {
    int64_t oldest_due_ms;          /* when the oldest due delivery that may be sent became due; 0: nothing is due */
    uint64_t waiting_subscriptions; /* that have deliveries waiting, forced ones aside */
    bool has_probe_due;             /* a probe is pending that nobody works on */
};
enum status store_statistics(struct store *store, int64_t now_ms, struct store_statistics *out) MUST_USE;
/* When the oldest event was published that no worker has taken over yet; 0: there is none. A few reads, however much
 * waits: for who asks while no worker runs. */
enum status store_oldest_new_event(struct store *store, int64_t *created_at_ms) MUST_USE;

/* Everything at a glance. Deliveries of deleted subscriptions are no longer waiting and not counted. */
struct store_overview {
    uint64_t active;      /* subscriptions */
    uint64_t failing;     /* of the active ones: something that waits for it was tried in vain at least once */
    uint64_t paused;      /* by its owner */
    uint64_t off_gone;    /* switched off by the service: DISABLED_GONE, */
    uint64_t off_failing; /* DISABLED_FAILING */
    uint64_t waiting_subscriptions; /* that have something of the following */
    uint64_t due;                   /* deliveries that could be sent now, new events included */
    uint64_t later;                 /* whose next attempt is not due yet */
    uint64_t in_flight;             /* claimed by a worker */
    uint64_t held;                  /* whose subscription is paused or switched off */
    int64_t oldest_due_ms;          /* since when the oldest of the due ones is; 0: nothing is due */
    uint64_t unreadable;            /* records on the way that are damaged or of a newer version: passed over */
};
/* A subscription that fails, or that the service has switched off. */
struct store_concern {
    const struct subscription *subscription; /* borrowed */
    uint64_t waiting;                        /* deliveries */
    uint64_t tried;                          /* of them were tried in vain */
    int64_t tried_since_ms;                  /* when the oldest of those was created; 0: there is none */
    uint32_t tried_attempts;                 /* and how often it was tried */
};
/* Counts, and calls `visit` for each subscription that there is reason to look at, in order of organization and id. It
 * reads what is committed, row by row, with nothing locked for long: what changes meanwhile is seen before or after,
 * and what a worker takes over just then may be counted twice. Its time grows with what waits and with the number of
 * subscriptions. */
enum status store_overview(struct store *store, int64_t now_ms,
                           void (*visit)(void *context, const struct store_concern *concern), void *context,
                           struct store_overview *out) MUST_USE;

/* Where a count of all that waits stands, in the engine's own terms. `{0}`: at its beginning. */
struct store_place {
    unsigned char bytes[64];
    size_t length;
};
/* What waits for one subscription, of the rows that a step looked at. */
struct store_backlog {
    const struct subscription *subscription; /* borrowed; perhaps not active, never deleted */
    uint64_t due;
    uint64_t later; /* what a worker is at counts here */
};
/* Counts some hundred of the waiting deliveries that were taken over from new events, and calls `visit` for each
 * subscription among them, again where the last step ended in its middle. *place moves on; it is at its beginning again
 * when all were counted. What changes meanwhile is counted before or after. Cheap, with nothing locked for long. */
enum status store_backlog_step(struct store *store, int64_t now_ms, struct store_place *place,
                               void (*visit)(void *context, const struct store_backlog *backlog),
                               void *context) MUST_USE;

/* Bytes on the disk. */
struct store_usage {
    uint64_t data_bytes;
    uint64_t log_bytes;
    uint64_t log_files;
    uint64_t free_bytes; /* of the file system that it is on, for its owner */
};
/* Looks at the files, not into them. STATUS_IO. */
enum status store_usage(struct store *store, struct store_usage *out) MUST_USE;

/* A descriptor that becomes readable when somebody published; for poll. store_wake_drain() makes it quiet again. The
 * store owns it. -1 where the engine has none. */
int store_wake_fd(struct store *store);
void store_wake_drain(struct store *store);

#include "store/store_delivery.h"
#include "store/store_export.h"

#endif
