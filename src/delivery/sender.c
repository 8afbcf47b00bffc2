/* Many exchanges at once in one thread: handles out of a pool, connections out of the multi handle's cache. */
#include "delivery/sender.h"

#include <curl/curl.h>
#include <stdlib.h>

#include "base/log.h"
#include "base/mem.h"
#include "delivery/curl_library.h"
#include "delivery/transfer.h"

struct sender {
    CURLM *multi;
    const struct destination_policy *policy;
    struct transfer **all; /* every transfer that was ever needed at once */
    size_t all_count;
    struct transfer *idle;
    struct transfer *refused; /* ended before they began; reported by the next sender_run */
    size_t in_flight;
};

/* ---- the pool ---- */

static struct transfer *pool_grow(struct sender *sender)
{
    struct transfer *transfer = transfer_new(sender->policy);
    if (!transfer)
        return NULL;
    /* NOLINTNEXTLINE(bugprone-sizeof-expression): an array of pointers */
    sender->all = mem_realloc(sender->all, sender->all_count + 1, sizeof(*sender->all));
    sender->all[sender->all_count++] = transfer;
    return transfer;
}

static void pool_give_back(struct sender *sender, struct transfer *transfer)
{
    transfer->next = sender->idle;
    sender->idle = transfer;
}

static struct transfer *pool_take(struct sender *sender)
{
    struct transfer *transfer = sender->idle;
    if (!transfer)
        return pool_grow(sender);
    sender->idle = transfer->next;
    return transfer;
}

/* ---- life ---- */

static void warn_of_blocking_resolver(void)
{
    if (!(curl_version_info(CURLVERSION_NOW)->features & CURL_VERSION_ASYNCHDNS))
        log_warn("resolver_blocks", LOG_TEXT("libcurl", curl_version()));
}

static bool open_multi(struct sender *sender, size_t max_connections)
{
    long cached = max_connections > INT32_MAX ? (long)INT32_MAX : (long)max_connections;
    sender->multi = curl_multi_init();
    if (!sender->multi || curl_multi_setopt(sender->multi, CURLMOPT_MAXCONNECTS, cached) != CURLM_OK)
        return false;
    /* The first transfer proves that every option is known. */
    struct transfer *first = pool_grow(sender);
    if (first)
        pool_give_back(sender, first);
    return first != NULL;
}

enum status sender_new(const struct destination_policy *policy, size_t max_connections, struct sender **out,
                       struct failure *failure)
{
    enum status status = curl_library_open(failure);
    if (status != STATUS_OK)
        return status;
    if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
        failure_set(failure, "libcurl cannot be initialised; check its installation (Debian: libcurl4)");
        return STATUS_UNAVAILABLE;
    }
    struct sender *sender = mem_calloc(1, sizeof(*sender));
    sender->policy = policy;
    if (!open_multi(sender, max_connections)) {
        failure_set(failure, "this libcurl (%s) cannot be used; install a newer one", curl_version());
        sender_free(sender);
        return STATUS_UNAVAILABLE;
    }
    warn_of_blocking_resolver();
    *out = sender;
    return STATUS_OK;
}

void sender_free(struct sender *sender)
{
    if (!sender)
        return;
    for (size_t i = 0; i < sender->all_count; i++) {
        if (sender->all[i]->is_running)
            (void)curl_multi_remove_handle(sender->multi, sender->all[i]->easy);
        transfer_free(sender->all[i]);
    }
    free(sender->all);
    (void)curl_multi_cleanup(sender->multi);
    free(sender);
    curl_global_cleanup();
}

size_t sender_in_flight(const struct sender *sender)
{
    return sender->in_flight;
}

/* ---- exchanges ---- */

static void begin(struct sender *sender, struct transfer *transfer)
{
    transfer->is_running = curl_multi_add_handle(sender->multi, transfer->easy) == CURLM_OK;
    if (transfer->is_running)
        return;
    transfer->refusal = ATTEMPT_PROTOCOL;
    transfer->next = sender->refused;
    sender->refused = transfer;
}

void sender_start(struct sender *sender, const struct exchange *exchange,
                  void (*done)(void *context, struct exchange_result *result))
{
    struct transfer *transfer = pool_take(sender);
    if (!transfer) { /* the first one could be made, so only memory is missing */
        log_error("out_of_memory", LOG_TEXT("where", "sender"));
        exit(EXIT_FAILURE);
    }
    transfer->done = done;
    sender->in_flight++;
    if (transfer_prepare(transfer, exchange)) {
        begin(sender, transfer);
        return;
    }
    transfer->next = sender->refused;
    sender->refused = transfer;
}

static void end(struct sender *sender, struct transfer *transfer, CURLcode code)
{
    struct exchange_result result;
    void *context = transfer->context;
    void (*done)(void *, struct exchange_result *) = transfer->done;
    transfer_finish(transfer, code, &result);
    pool_give_back(sender, transfer);
    sender->in_flight--;
    done(context, &result);
    buf_clear(&result.headers);
    buf_clear(&result.body);
}

static size_t end_refused(struct sender *sender)
{
    size_t count = 0;
    struct transfer *transfer = sender->refused;
    sender->refused = NULL; /* what `done` starts and is refused again waits for the next round */
    while (transfer) {
        struct transfer *next = transfer->next;
        end(sender, transfer, CURLE_OK);
        transfer = next;
        count++;
    }
    return count;
}

/* Lets libcurl do what can be done without waiting. Returns how many exchanges ended. */
static size_t drive(struct sender *sender)
{
    size_t count = 0;
    int running, queued;
    (void)curl_multi_perform(sender->multi, &running);
    for (CURLMsg *message; (message = curl_multi_info_read(sender->multi, &queued)) != NULL; count++) {
        CURLcode code = message->data.result; /* the message goes with the handle */
        char *private = NULL;
        CURL *easy = message->easy_handle;
        (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
        struct transfer *transfer = (struct transfer *)(void *)private;
        (void)curl_multi_remove_handle(sender->multi, easy);
        transfer->is_running = false;
        end(sender, transfer, code);
    }
    return count;
}

void sender_run(struct sender *sender, int64_t timeout_ms, int wake_fd)
{
    struct curl_waitfd wake = {.fd = wake_fd, .events = CURL_WAIT_POLLIN};
    int wait = timeout_ms < 0 ? 0 : timeout_ms > INT32_MAX ? INT32_MAX : (int)timeout_ms;
    if (end_refused(sender) + drive(sender) > 0)
        return;
    (void)curl_multi_poll(sender->multi, &wake, wake_fd >= 0 ? 1 : 0, wait, NULL);
    (void)drive(sender);
}
