/* The store's front: what every engine shares (the data directory's checks, the master key, the choice of engine), and
 * behind it the verbs, handed on to the engine that was opened. */
#include "store/store.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "store/data_dir.h"
#include "store/engine.h"
#include "store/key_proof.h"
#include "store/store_files.h"

static const struct store_engine *const engines[] = {&store_engine_bdb};

static enum status find_engine(const char *name, const struct store_engine **out, struct failure *failure)
{
    for (size_t i = 0; i < sizeof engines / sizeof engines[0]; i++) {
        if (strcmp(engines[i]->name, name) == 0) {
            *out = engines[i];
            return STATUS_OK;
        }
    }
    failure_set(failure, "there is no store engine \"%s\": set `store` to \"%s\"", name, engines[0]->name);
    return STATUS_INVALID;
}

enum status store_prepare(const struct conf *conf, const struct store_engine **engine, struct failure *failure)
{
    enum status status = find_engine(conf->store, engine, failure);
    return status != STATUS_OK ? status : data_dir_check(conf->data_dir, failure);
}

/* ---- life ---- */

static enum status prove_key(const struct conf *conf, struct failure *failure)
{
    struct keyring *keyring;
    enum status status = keyring_open(conf->master_key_file, &keyring, failure);
    if (status != STATUS_OK)
        return status;
    status = key_proof_make(conf->data_dir, keyring, failure);
    keyring_free(keyring);
    return status;
}

enum status store_create(const struct conf *conf, struct failure *failure)
{
    const struct store_engine *engine;
    enum status status = store_prepare(conf, &engine, failure);
    if (status == STATUS_OK)
        status = keyring_create(conf->master_key_file, failure);
    if (status != STATUS_OK)
        return status;
    status = engine->create(conf->data_dir, failure);
    if (status == STATUS_OK)
        status = prove_key(conf, failure);
    if (status != STATUS_OK)
        unlink(conf->master_key_file); /* made a moment ago; nothing was sealed with it */
    return status;
}

enum status store_open(const struct conf *conf, enum store_role role, struct store **out, struct failure *failure)
{
    const struct store_engine *engine;
    struct store *store;
    enum status status = store_prepare(conf, &engine, failure);
    if (status == STATUS_OK)
        status = engine->open(conf->data_dir, role, &store, failure);
    if (status != STATUS_OK)
        return status;
    store->keyring = NULL;
    status = keyring_open(conf->master_key_file, &store->keyring, failure);
    if (status == STATUS_OK)
        status = key_proof_check(conf->data_dir, store->keyring, failure);
    if (status != STATUS_OK) {
        keyring_free(store->keyring);
        engine->close(store);
        return status;
    }
    store->engine = engine;
    *out = store;
    return STATUS_OK;
}

void store_close(struct store *store)
{
    if (!store)
        return;
    keyring_free(store->keyring);
    store->engine->close(store);
}

const struct keyring *store_keyring(const struct store *store)
{
    return store->keyring;
}

const char *store_engine(const struct store *store)
{
    return store->engine->name;
}

int store_format(const struct store *store)
{
    return store->engine->format;
}

enum status store_maintain(struct store *store)
{
    return store->engine->maintain(store);
}

bool store_is_leaving(const struct store *store)
{
    return store->engine->is_leaving(store);
}

enum status store_check(const struct conf *conf, struct failure *failure)
{
    const struct store_engine *engine;
    enum status status = store_prepare(conf, &engine, failure);
    return status != STATUS_OK ? status : engine->check(conf->data_dir, failure);
}

/* ---- API keys ---- */

enum status store_key_put(struct store *store, const struct api_key *key)
{
    return store->engine->key_put(store, key);
}

enum status store_key_find(struct store *store, const unsigned char *digest, struct api_key *out)
{
    return store->engine->key_find(store, digest, out);
}

enum status store_key_walk(struct store *store, bool (*visit)(void *context, const struct api_key *key), void *context)
{
    return store->engine->key_walk(store, visit, context);
}

enum status store_key_revoke(struct store *store, const struct object_id *id, int64_t now_ms)
{
    return store->engine->key_revoke(store, id, now_ms);
}

enum status store_key_delete(struct store *store, const struct object_id *id)
{
    return store->engine->key_delete(store, id);
}

/* ---- subscriptions ---- */

enum status store_subscription_create(struct store *store, const struct uuid *organization_id, size_t max_subscriptions,
                                      struct change *change)
{
    return store->engine->subscription_create(store, organization_id, max_subscriptions, change);
}

enum status store_subscription_update(struct store *store, const struct uuid *organization_id,
                                      const struct object_id *id, struct change *change)
{
    return store->engine->subscription_update(store, organization_id, id, change);
}

enum status store_subscription_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                   struct subscription *out)
{
    return store->engine->subscription_get(store, organization_id, id, out);
}

enum status store_subscription_owner(struct store *store, const struct object_id *id, struct uuid *organization_id)
{
    return store->engine->subscription_owner(store, id, organization_id);
}

enum status store_subscription_list(struct store *store, const struct uuid *organization_id,
                                    const struct object_id *after, size_t max,
                                    bool (*visit)(void *context, const struct subscription *subscription),
                                    void *context, bool *has_more)
{
    return store->engine->subscription_list(store, organization_id, after, max, visit, context, has_more);
}

/* ---- events ---- */

void store_event_id_make(struct store *store, int64_t now_ms, struct object_id *out)
{
    store->engine->event_id_make(store, now_ms, out);
}

enum status store_publish(struct store *store, struct event *events, size_t count, struct answer *answer)
{
    return store->engine->publish(store, events, count, answer);
}

enum status store_publish_forced(struct store *store, const struct object_id *subscription_id, struct event *event,
                                 struct answer *answer)
{
    return store->engine->publish_forced(store, subscription_id, event, answer);
}

enum status store_event_get(struct store *store, const struct object_id *id, struct event *out)
{
    return store->engine->event_get(store, id, out);
}

/* ---- deliveries ---- */

enum status store_claim(struct store *store, int64_t now_ms, size_t max, const struct claimer *claimer,
                        struct claim *out, size_t *count, int64_t *next_due_ms)
{
    return store->engine->claim(store, now_ms, max, claimer, out, count, next_due_ms);
}

enum status store_settle(struct store *store, int64_t now_ms, struct settlement *settlements, size_t count)
{
    return store->engine->settle(store, now_ms, settlements, count);
}

enum status store_release(struct store *store, int64_t now_ms, const struct claim *claims, size_t count)
{
    return store->engine->release(store, now_ms, claims, count);
}

enum status store_delivery_get(struct store *store, const struct uuid *organization_id,
                               const struct object_id *subscription_id, const struct object_id *event_id,
                               struct delivery *out)
{
    return store->engine->delivery_get(store, organization_id, subscription_id, event_id, out);
}

enum status store_attempt_get(struct store *store, const struct object_id *subscription_id,
                              const struct object_id *event_id, uint32_t number, struct attempt *out)
{
    return store->engine->attempt_get(store, subscription_id, event_id, number, out);
}

enum status store_delivery_list(struct store *store, struct delivery_page *page)
{
    return store->engine->delivery_list(store, page);
}

enum status store_delivery_retry(struct store *store, const struct uuid *organization_id,
                                 const struct object_id *subscription_id, const struct object_id *event_id,
                                 int64_t now_ms, struct delivery_entry *out, struct answer *answer)
{
    return store->engine->delivery_retry(store, organization_id, subscription_id, event_id, now_ms, out, answer);
}

enum status store_delivery_cancel(struct store *store, const struct uuid *organization_id,
                                  const struct object_id *subscription_id, const struct object_id *event_id,
                                  int64_t now_ms, struct delivery_entry *out, struct answer *answer)
{
    return store->engine->delivery_cancel(store, organization_id, subscription_id, event_id, now_ms, out, answer);
}

enum status store_recover(struct store *store, int64_t now_ms, struct recovery *recovery, struct answer *answer)
{
    return store->engine->recover(store, now_ms, recovery, answer);
}

/* ---- housekeeping ---- */

enum status store_upkeep(struct store *store, int64_t now_ms, const struct upkeep_limits *limits,
                         struct upkeep_state *state, struct upkeep_counts *counts, bool *is_done)
{
    return store->engine->upkeep(store, now_ms, limits, state, counts, is_done);
}

/* ---- probes ---- */

enum status store_probe_request(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                                struct probe *out, struct answer *answer)
{
    return store->engine->probe_request(store, organization_id, id, out, answer);
}

enum status store_probe_get(struct store *store, const struct uuid *organization_id, const struct object_id *id,
                            struct probe *out)
{
    return store->engine->probe_get(store, organization_id, id, out);
}

enum status store_probe_claim(struct store *store, int64_t now_ms, const struct object_id *after, store_admit admit,
                              void *context, struct probe_claim *out, int64_t *next_due_ms)
{
    return store->engine->probe_claim(store, now_ms, after, admit, context, out, next_due_ms);
}

enum status store_probe_extend(struct store *store, int64_t now_ms, int64_t lease_ms, struct probe_claim *claim)
{
    return store->engine->probe_extend(store, now_ms, lease_ms, claim);
}

enum status store_probe_release(struct store *store, int64_t now_ms, const struct probe_claim *claim)
{
    return store->engine->probe_release(store, now_ms, claim);
}

enum status store_probe_finish(struct store *store, int64_t now_ms, struct probe_settlement *settlement)
{
    return store->engine->probe_finish(store, now_ms, settlement);
}

/* ---- seeing and waking ---- */

enum status store_statistics(struct store *store, int64_t now_ms, struct store_statistics *out)
{
    return store->engine->statistics(store, now_ms, out);
}

enum status store_oldest_new_event(struct store *store, int64_t *created_at_ms)
{
    return store->engine->oldest_new_event(store, created_at_ms);
}

enum status store_overview(struct store *store, int64_t now_ms,
                           void (*visit)(void *context, const struct store_concern *concern), void *context,
                           struct store_overview *out)
{
    return store->engine->overview(store, now_ms, visit, context, out);
}

enum status store_backlog_step(struct store *store, int64_t now_ms, struct store_place *place,
                               void (*visit)(void *context, const struct store_backlog *backlog), void *context)
{
    return store->engine->backlog_step(store, now_ms, place, visit, context);
}

enum status store_usage(struct store *store, struct store_usage *out)
{
    return store->engine->usage(store, out);
}

int store_wake_fd(struct store *store)
{
    return store->engine->wake_fd(store);
}

void store_wake_drain(struct store *store)
{
    store->engine->wake_drain(store);
}
