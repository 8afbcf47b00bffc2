/* Opens the store once for all request threads. Threads that waited while another one's attempt failed share its
 * outcome, so that nobody waits for more than one attempt. */
#include "api/lazy_store.h"

#include <stddef.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/setup.h"

enum { LOG_INTERVAL_MS = 1000 };

void lazy_store_init(struct lazy_store *lazy, const struct conf *conf, enum store_role role)
{
    *lazy = (struct lazy_store){.conf = conf, .role = role, .failed_at_ms = INT64_MIN, .logged_at_ms = INT64_MIN};
    pthread_mutex_init(&lazy->lock, NULL);
}

void lazy_store_clear(struct lazy_store *lazy)
{
    store_close(lazy->store);
    pthread_mutex_destroy(&lazy->lock);
}

static void log_failure(struct lazy_store *lazy, enum status status, const struct failure *failure)
{
    if (lazy->logged_at_ms != INT64_MIN && lazy->failed_at_ms - lazy->logged_at_ms < LOG_INTERVAL_MS)
        return;
    lazy->logged_at_ms = lazy->failed_at_ms;
    log_error("store_open_failed", LOG_TEXT("status", status_name(status)), LOG_TEXT("cause", failure->text));
}

static enum status open_or_set_up(struct lazy_store *lazy, const struct request *request, struct failure *failure)
{
    const char *const web_roots[] = {request->document_root, request->context_root, NULL};
    enum status status = store_open(lazy->conf, lazy->role, &lazy->store, failure);
    if (status == STATUS_OK || !setup_is_pending(lazy->conf->data_dir))
        return status;
    status = setup_run(lazy->conf, web_roots, failure);
    return status == STATUS_OK ? store_open(lazy->conf, lazy->role, &lazy->store, failure) : status;
}

static void try_open(struct lazy_store *lazy, const struct request *request)
{
    struct failure failure = {""};
    enum status status = open_or_set_up(lazy, request, &failure);
    if (status == STATUS_OK)
        return;
    lazy->store = NULL;
    lazy->failed_at_ms = clock_monotonic_ms();
    log_failure(lazy, status, &failure);
}

struct store *lazy_store_get(struct lazy_store *lazy, const struct request *request)
{
    int64_t arrived_at_ms = clock_monotonic_ms();
    pthread_mutex_lock(&lazy->lock);
    if (lazy->store == NULL && lazy->failed_at_ms < arrived_at_ms)
        try_open(lazy, request);
    struct store *store = lazy->store;
    pthread_mutex_unlock(&lazy->lock);
    return store;
}

struct store *lazy_store_peek(struct lazy_store *lazy)
{
    pthread_mutex_lock(&lazy->lock);
    struct store *store = lazy->store;
    pthread_mutex_unlock(&lazy->lock);
    return store;
}
