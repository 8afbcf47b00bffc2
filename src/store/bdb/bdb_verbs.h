/* The verbs of store.h as this engine gives them to bdb_engine.c's table: one or a few to a file. Included by bdb.h. */
#ifndef HOOKTURN_STORE_BDB_BDB_VERBS_H
#define HOOKTURN_STORE_BDB_BDB_VERBS_H

#include "store/engine.h"

enum status bdb_create(const char *data_dir, struct failure *failure);
enum status bdb_open(const char *data_dir, enum store_role role, struct store **out, struct failure *failure);
void bdb_close(struct store *store);
enum status bdb_maintain(struct store *store);
bool bdb_is_leaving(const struct store *store);
enum status bdb_check(const char *data_dir, struct failure *failure);
enum status bdb_copy(struct store *store, const char *directory, const struct store_progress *progress,
                     struct failure *failure);
enum status bdb_contents(const char *directory, bool settles, const struct keyring *keyring,
                         const struct store_progress *progress, struct store_contents *out, struct failure *failure);
enum status bdb_is_free(const char *data_dir, struct failure *failure);
enum status bdb_install(const char *data_dir, const char *staged, const char *aside, const struct store_exchange *with,
                        bool *had_store, struct failure *failure);
enum status bdb_reseal(struct store *store, const struct store_progress *progress, struct store_rekey *out,
                       struct failure *failure);

enum status bdb_count_all(struct store *store, uint64_t counts[EXPORT_RECORD_KINDS]);
enum status bdb_walk_all(struct store *store, int64_t now_ms, export_record_visit visit, void *context,
                         uint64_t *unreadable);
enum status bdb_put_all(struct store *store, int64_t now_ms, struct export_record *items, size_t count,
                        uint64_t outcomes[IMPORT_OUTCOMES], size_t *taken);

enum status bdb_api_key_put(struct store *store, const struct api_key *key);
enum status bdb_api_key_find(struct store *store, const unsigned char *digest, struct api_key *out);
enum status bdb_api_key_walk(struct store *store, bool (*visit)(void *context, const struct api_key *key),
                             void *context);
enum status bdb_api_key_revoke(struct store *store, const struct object_id *id, int64_t now_ms);
enum status bdb_api_key_delete(struct store *store, const struct object_id *id);

enum status bdb_subscription_create(struct store *store, const struct uuid *organization_id, size_t max_subscriptions,
                                    struct change *change);
enum status bdb_subscription_update(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                    struct change *change);
enum status bdb_subscription_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                 struct subscription *out);
enum status bdb_subscription_owner(struct store *store, const struct object_id *id, struct uuid *organization_id);
enum status bdb_subscription_list(struct store *store, const struct uuid *organization_id,
                                  const struct object_id *after, size_t max,
                                  bool (*visit)(void *context, const struct subscription *subscription), void *context,
                                  bool *has_more);

void bdb_event_id_make(struct store *store, int64_t now_ms, struct object_id *out);
enum status bdb_publish(struct store *store, struct event *events, size_t count, struct answer *answer);
enum status bdb_publish_forced(struct store *store, const struct object_id *subscription_id, struct event *event,
                               struct answer *answer);
enum status bdb_event_get(struct store *store, const struct object_id *id, struct event *out);

enum status bdb_claim(struct store *store, int64_t now_ms, size_t max, const struct claimer *claimer, struct claim *out,
                      size_t *count, int64_t *next_due_ms);
enum status bdb_settle(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count);
enum status bdb_release(struct store *store, int64_t now_ms, const struct claim *claims, size_t count);
enum status bdb_delivery_get(struct store *store, const struct uuid *organization_id,
                             const struct object_id *subscription_id, const struct object_id *event_id,
                             struct delivery *out);
enum status bdb_attempt_get(struct store *store, const struct object_id *subscription_id,
                            const struct object_id *event_id, uint32_t number, struct attempt *out);
enum status bdb_delivery_list(struct store *store, struct delivery_page *page);
enum status bdb_retry(struct store *store, const struct uuid *organization_id, const struct object_id *subscription_id,
                      const struct object_id *event_id, int64_t now_ms, struct delivery_entry *out,
                      struct answer *answer);
enum status bdb_cancel(struct store *store, const struct uuid *organization_id, const struct object_id *subscription_id,
                       const struct object_id *event_id, int64_t now_ms, struct delivery_entry *out,
                       struct answer *answer);
enum status bdb_recover(struct store *store, int64_t now_ms, struct recovery *recovery, struct answer *answer);

enum status bdb_upkeep(struct store *store, int64_t now_ms, const struct upkeep_limits *limits,
                       struct upkeep_state *state, struct upkeep_counts *counts, bool *is_done);

enum status bdb_probe_request(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                              struct probe *out, struct answer *answer);
enum status bdb_probe_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                          struct probe *out);
enum status bdb_probe_claim(struct store *store, int64_t now_ms, const struct object_id *after, store_admit admit,
                            void *context, struct probe_claim *out, int64_t *next_due_ms);
enum status bdb_probe_extend(struct store *store, int64_t now_ms, int64_t lease_ms, struct probe_claim *claim);
enum status bdb_probe_release(struct store *store, int64_t now_ms, const struct probe_claim *claim);
enum status bdb_probe_finish(struct store *store, int64_t now_ms, struct probe_settlement *settlement);

enum status bdb_statistics(struct store *store, int64_t now_ms, struct store_statistics *out);
enum status bdb_oldest_new_event(struct store *store, int64_t *created_at_ms);
enum status bdb_overview(struct store *store, int64_t now_ms,
                         void (*visit)(void *context, const struct store_concern *concern), void *context,
                         struct store_overview *out);
enum status bdb_backlog_step(struct store *store, int64_t now_ms, struct store_place *place,
                             void (*visit)(void *context, const struct store_backlog *backlog), void *context);
enum status bdb_usage(struct store *store, struct store_usage *out);
int bdb_wake_fd(struct store *store);
void bdb_wake_drain(struct store *store);

#endif
