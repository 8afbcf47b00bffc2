/* A subscription as it is stored and handed about. */
#ifndef HOOKTURN_MODEL_SUBSCRIPTION_H
#define HOOKTURN_MODEL_SUBSCRIPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "base/id.h"
#include "base/keyring.h"
#include "base/status.h"
#include "model/secret.h"

/* Heap strings, heap array. `{0}` is empty. */
struct text_list {
    char **items;
    size_t count;
};
void text_list_add(struct text_list *list, const char *text, size_t length);
void text_list_clear(struct text_list *list);
/* Replaces what `out` held. */
void text_list_copy(const struct text_list *list, struct text_list *out);
/* The same texts in the same order. */
bool text_list_equals(const struct text_list *a, const struct text_list *b);

/* The subscriber's own headers in clear, in the order given. */
struct header {
    char *name;
    char *value;
};
struct header_list {
    struct header *items;
    size_t count;
};
void header_list_add(struct header_list *list, const char *name, const char *value);
/* Values are cleansed. */
void header_list_clear(struct header_list *list);

/* `is_set` false: the configured defaults hold, whatever they are at the time of an attempt. */
struct retry_policy {
    bool is_set;
    enum retry_strategy strategy;
    int32_t max_attempts; /* retries after the first attempt, 0-20 */
    int64_t max_delay_ms;
};

enum subscription_scope { SCOPE_ORGANIZATION, SCOPE_WORKSPACE, SCOPE_AGENT };
enum disabled_reason { DISABLED_NOT, DISABLED_GONE, DISABLED_FAILING };

struct subscription {
    struct object_id id;
    struct uuid organization_id;
    uint64_t version; /* raised by the store with every write */
    bool is_deleted;  /* a tombstone: only ids, version and times are left */
    char *created_user_id;
    char *name;
    char *url;
    bool active;
    enum disabled_reason disabled_reason; /* not DISABLED_NOT: `active` is false */
    int64_t activated_at_ms;              /* when somebody last said that it shall be active; what failed before then
                                             no longer counts */
    char *description;                    /* NULL: none */
    struct text_list events;              /* as given; empty: everything */
    struct text_list agent_ids;           /* at most one of these two is not empty */
    struct text_list workspace_ids;
    struct buf sealed_headers;  /* subscription_seal_headers; empty: none */
    int64_t request_timeout_ms; /* 0: the configured default */
    struct retry_policy retry_policy;
    struct secret_list secrets; /* empty: unsigned */
    int64_t created_at_ms;
    int64_t updated_at_ms;
};

/* Frees and cleanses all members and leaves `{0}`. */
void subscription_clear(struct subscription *subscription);
enum subscription_scope subscription_scope(const struct subscription *subscription);
/* `"<version>-<valid previous secrets>"` with its quotes, for ETag. */
enum { SUBSCRIPTION_ETAG = 40 };
void subscription_etag(const struct subscription *subscription, int64_t now_ms, char out[SUBSCRIPTION_ETAG]);
/* The same as if the record had that version. */
void subscription_etag_of(const struct subscription *subscription, uint64_t version, int64_t now_ms,
                          char out[SUBSCRIPTION_ETAG]);

/* Names and values sealed as one blob, associated data: the subscription id's 24 digits. An empty list: an empty blob.
 */
void subscription_seal_headers(struct subscription *subscription, const struct keyring *keyring,
                               const struct header_list *headers);
/* The caller clears `out`. STATUS_CORRUPT where the blob does not open. */
enum status subscription_unseal_headers(const struct subscription *subscription, const struct keyring *keyring,
                                        struct header_list *out) MUST_USE;

#endif
