/* What an engine gives to store.c: the verbs of store.h, one row of functions an engine, so that another engine can
 * stand beside the embedded one. The promises are those of store.h; only what differs is said here. */
#ifndef HOOKTURN_STORE_ENGINE_H
#define HOOKTURN_STORE_ENGINE_H

#include "store/backup_head.h"
#include "store/store.h"

/* An engine's own structure begins with this; store.c fills it in after `open`. */
struct store {
    const struct store_engine *engine;
    struct keyring *keyring;
};

/* What was found in a copy: each row was read, and what is sealed in it opened. */
struct store_contents {
    uint64_t records;
    uint64_t unreadable;
    bool has_newer;          /* some of those are of a newer hookturn */
    struct backup_keys keys; /* that something is sealed under */
};

/* Takes a record of a walk, and may keep what it moves out of it; the rest is cleared behind it. Any status but
 * STATUS_OK ends the walk, which returns it. */
typedef enum status (*export_record_visit)(void *context, struct export_record *item);

/* Steps of an exchange of stores: before it, after it, and where it failed after `before`. */
struct store_exchange {
    enum status (*before)(void *context);
    enum status (*after)(void *context);
    void (*undo)(void *context);
    void *context;
};

/* `data_dir` has been checked: it exists, is private to the effective user and lies on a local file system. */
struct store_engine {
    const char *name;
    int format; /* the version that it reads and writes */

    enum status (*create)(const char *data_dir, struct failure *failure);
    enum status (*open)(const char *data_dir, enum store_role role, struct store **out, struct failure *failure);
    void (*close)(struct store *store); /* frees it */
    enum status (*maintain)(struct store *store);
    bool (*is_leaving)(const struct store *store);
    enum status (*check)(const char *data_dir, struct failure *failure);

    /* Makes BACKUP_STORE_NAME in `directory` and copies all that was committed into it. contents() has yet to settle
     * it. */
    enum status (*copy)(struct store *store, const char *directory, const struct store_progress *progress,
                        struct failure *failure);
    /* Reads and verifies a copy, BACKUP_STORE_NAME in `directory`. `settles`: of copy(), just made; afterwards nothing
     * needs to be done to it any more. */
    enum status (*contents)(const char *directory, bool settles, const struct keyring *keyring,
                            const struct store_progress *progress, struct store_contents *out, struct failure *failure);
    /* STATUS_CONFLICT: a process has the store open. STATUS_OK also where there is none. */
    enum status (*is_free)(const char *data_dir, struct failure *failure);
    /* Puts the settled copy in `staged`, a directory in the data directory, in the store's place, in one step; the
     * store that was there gets the path `aside` (*had_store). Nobody can open the one or the other meanwhile; what has
     * to be done in that time is `with`. STATUS_CONFLICT as above. */
    enum status (*install)(const char *data_dir, const char *staged, const char *aside,
                           const struct store_exchange *with, bool *had_store, struct failure *failure);
    /* A pass over all that is sealed, in steps. Adds to `out`; all of it is on disk at the end. */
    enum status (*reseal)(struct store *store, const struct store_progress *progress, struct store_rekey *out,
                          struct failure *failure);

    /* How many records of each kind there are, about: what comes and goes meanwhile may be counted or not. */
    enum status (*count_all)(struct store *store, uint64_t counts[EXPORT_RECORD_KINDS]);
    /* Everything, in the order of enum export_record_kind, with nothing locked while `visit` looks at one: each event
     * with its deliveries behind it, each of those with its attempts, as store_export promises. Adds damaged ones to
     * *unreadable.
     */
    enum status (*walk_all)(struct store *store, int64_t now_ms, export_record_visit visit, void *context,
                            uint64_t *unreadable);
    /* Puts some records, up to STORE_SETTLE_MAX, all of them or none, and has them on disk. What is sealed in them
     * opens with the store's keyring. Adds to `outcomes`. STATUS_EXISTS: the item *taken has a name or an id that
     * belongs to another. */
    enum status (*put_all)(struct store *store, int64_t now_ms, struct export_record *items, size_t count,
                           uint64_t outcomes[IMPORT_OUTCOMES], size_t *taken);

    enum status (*key_put)(struct store *store, const struct api_key *key);
    enum status (*key_find)(struct store *store, const unsigned char *digest, struct api_key *out);
    enum status (*key_walk)(struct store *store, bool (*visit)(void *context, const struct api_key *key),
                            void *context);
    enum status (*key_revoke)(struct store *store, const struct object_id *id, int64_t now_ms);
    enum status (*key_delete)(struct store *store, const struct object_id *id);

    enum status (*subscription_create)(struct store *store, const struct uuid *organization_id,
                                       size_t max_subscriptions, struct change *change);
    enum status (*subscription_update)(struct store *store, const struct uuid *organization_id,
                                       const struct object_id *id, struct change *change);
    enum status (*subscription_get)(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                    struct subscription *out);
    enum status (*subscription_owner)(struct store *store, const struct object_id *id, struct uuid *organization_id);
    enum status (*subscription_list)(struct store *store, const struct uuid *organization_id,
                                     const struct object_id *after, size_t max,
                                     bool (*visit)(void *context, const struct subscription *subscription),
                                     void *context, bool *has_more);

    void (*event_id_make)(struct store *store, int64_t now_ms, struct object_id *out);
    enum status (*publish)(struct store *store, struct event *events, size_t count, struct answer *answer);
    enum status (*publish_forced)(struct store *store, const struct object_id *subscription_id, struct event *event,
                                  struct answer *answer);
    enum status (*event_get)(struct store *store, const struct object_id *id, struct event *out);

    enum status (*claim)(struct store *store, int64_t now_ms, size_t max, const struct claimer *claimer,
                         struct claim *out, size_t *count, int64_t *next_due_ms);
    enum status (*settle)(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count);
    enum status (*release)(struct store *store, int64_t now_ms, const struct claim *claims, size_t count);
    enum status (*delivery_get)(struct store *store, const struct uuid *organization_id,
                                const struct object_id *subscription_id, const struct object_id *event_id,
                                struct delivery *out);
    enum status (*attempt_get)(struct store *store, const struct object_id *subscription_id,
                               const struct object_id *event_id, uint32_t number, struct attempt *out);
    enum status (*delivery_list)(struct store *store, struct delivery_page *page);
    enum status (*delivery_retry)(struct store *store, const struct uuid *organization_id,
                                  const struct object_id *subscription_id, const struct object_id *event_id,
                                  int64_t now_ms, struct delivery_entry *out, struct answer *answer);
    enum status (*delivery_cancel)(struct store *store, const struct uuid *organization_id,
                                   const struct object_id *subscription_id, const struct object_id *event_id,
                                   int64_t now_ms, struct delivery_entry *out, struct answer *answer);
    enum status (*recover)(struct store *store, int64_t now_ms, struct recovery *recovery, struct answer *answer);

    enum status (*upkeep)(struct store *store, int64_t now_ms, const struct upkeep_limits *limits,
                          struct upkeep_state *state, struct upkeep_counts *counts, bool *is_done);
    enum status (*probe_request)(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                 struct probe *out, struct answer *answer);
    enum status (*probe_get)(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                             struct probe *out);
    enum status (*probe_claim)(struct store *store, int64_t now_ms, const struct object_id *after, store_admit admit,
                               void *context, struct probe_claim *out, int64_t *next_due_ms);
    enum status (*probe_extend)(struct store *store, int64_t now_ms, int64_t lease_ms, struct probe_claim *claim);
    enum status (*probe_release)(struct store *store, int64_t now_ms, const struct probe_claim *claim);
    enum status (*probe_finish)(struct store *store, int64_t now_ms, struct probe_settlement *settlement);

    enum status (*statistics)(struct store *store, int64_t now_ms, struct store_statistics *out);
    enum status (*oldest_new_event)(struct store *store, int64_t *created_at_ms);
    enum status (*overview)(struct store *store, int64_t now_ms,
                            void (*visit)(void *context, const struct store_concern *concern), void *context,
                            struct store_overview *out);
    enum status (*backlog_step)(struct store *store, int64_t now_ms, struct store_place *place,
                                void (*visit)(void *context, const struct store_backlog *backlog), void *context);
    enum status (*usage)(struct store *store, struct store_usage *out);
    int (*wake_fd)(struct store *store);
    void (*wake_drain)(struct store *store);
};

extern const struct store_engine store_engine_bdb;

#endif
