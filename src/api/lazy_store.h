/* The store, opened by the first request that needs it: a broken client or an unknown key's form costs no opening. */
#ifndef HOOKTURN_API_LAZY_STORE_H
#define HOOKTURN_API_LAZY_STORE_H

#include <pthread.h>
#include <stdint.h>

#include "api/request.h"
#include "base/conf.h"
#include "store/store.h"

struct lazy_store {
    const struct conf *conf;
    enum store_role role;
    pthread_mutex_t lock;
    struct store *store;  /* NULL until it could be opened; stays then */
    int64_t failed_at_ms; /* monotonic; INT64_MIN: never */
    int64_t logged_at_ms;
};

void lazy_store_init(struct lazy_store *lazy, const struct conf *conf, enum store_role role);
/* Closes it. */
void lazy_store_clear(struct lazy_store *lazy);
/* The open store, or NULL where it cannot be opened now (the cause is logged, once a second at most). Where a setup
 * file is there instead of a store, it is set up first; `request` says what the web server hands out. Thread-safe. */
struct store *lazy_store_get(struct lazy_store *lazy, const struct request *request);
/* The same, but opens nothing. */
struct store *lazy_store_peek(struct lazy_store *lazy);

#endif
