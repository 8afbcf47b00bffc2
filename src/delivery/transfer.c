/* From an exchange to libcurl's options, and from libcurl's outcome to a result. */
#include "delivery/transfer.h"

#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/mem.h"

/* ---- options that hold for every exchange ---- */

static const struct transfer_number fixed_options[] = {
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_DISALLOW_USERNAME_IN_URL, 1},
    {CURLOPT_PATH_AS_IS, 1}, /* the subscriber's URL, not a tidier one */
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2},
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
    {CURLOPT_POST, 1},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_TCP_KEEPALIVE, 1},
    {CURLOPT_DNS_CACHE_TIMEOUT, 60},
    /* Memory for each exchange in flight: what is sent and received is small. */
    {CURLOPT_BUFFERSIZE, 2048},
    {CURLOPT_UPLOAD_BUFFERSIZE, 16384},
};

/* The threaded resolver cannot be stopped: without this, giving a slow name up would wait for it, and everybody else
 * with it. Older libraries do not have it, which is no reason not to run. */
static void set_quick_exit(CURL *easy)
{
#if LIBCURL_VERSION_NUM >= 0x075700
    (void)curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L);
#else
    (void)easy;
#endif
}

/* Libraries before 7.64 do not know them. What comes without a status line is no answer to us anyway. */
static bool is_dispensable(CURLoption option)
{
    return option == CURLOPT_HTTP09_ALLOWED || option == CURLOPT_UPLOAD_BUFFERSIZE;
}

bool transfer_set_numbers(CURL *easy, const struct transfer_number *numbers, size_t count)
{
    bool is_good = true;
    for (size_t i = 0; i < count; i++) {
        CURLcode code = curl_easy_setopt(easy, numbers[i].option, numbers[i].value);
        is_good &= code == CURLE_OK || (code == CURLE_UNKNOWN_OPTION && is_dispensable(numbers[i].option));
    }
    return is_good;
}

bool transfer_set_protocols(CURL *easy)
{
    enum { BITS = CURLOPTTYPE_LONG + 181 }; /* CURLOPT_PROTOCOLS, which later headers warn of */
    CURLcode code = curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https");
    if (code == CURLE_UNKNOWN_OPTION) /* before 7.85 */
        code = curl_easy_setopt(easy, (CURLoption)BITS, (long)(CURLPROTO_HTTP | CURLPROTO_HTTPS));
    return code == CURLE_OK;
}

bool transfer_set_trust(CURL *easy, const struct trust *trust)
{
    bool is_good = true;
    if (trust->file)
        is_good &= curl_easy_setopt(easy, CURLOPT_CAINFO, trust->file) == CURLE_OK;
    if (trust->directory)
        is_good &= curl_easy_setopt(easy, CURLOPT_CAPATH, trust->directory) == CURLE_OK;
    return is_good;
}

static bool set_fixed_options(struct transfer *transfer)
{
    CURL *easy = transfer->easy;
    bool is_good = transfer_set_numbers(easy, fixed_options, sizeof(fixed_options) / sizeof(*fixed_options));
    is_good &= transfer_set_protocols(easy);
    is_good &= curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK; /* nor one from the environment */
    is_good &= curl_easy_setopt(easy, CURLOPT_OPENSOCKETFUNCTION, guard_open_socket) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_OPENSOCKETDATA, &transfer->guard) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, reply_take_line) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_HEADERDATA, &transfer->reply) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, reply_take_body) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_WRITEDATA, &transfer->reply) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_PRIVATE, transfer) == CURLE_OK;
    set_quick_exit(easy);
    const struct trust trust = trust_find();
    return transfer_set_trust(easy, &trust) && is_good;
}

struct transfer *transfer_new(const struct destination_policy *policy)
{
    struct transfer *transfer = mem_calloc(1, sizeof(*transfer));
    transfer->guard = (struct guard){.policy = policy, .url = &transfer->url};
    reply_init(&transfer->reply);
    transfer->easy = curl_easy_init();
    if (!transfer->easy || !set_fixed_options(transfer)) {
        transfer_free(transfer);
        return NULL;
    }
    return transfer;
}

/* A subscriber's own headers may be credentials. */
static void drop_headers(struct transfer *transfer)
{
    for (struct curl_slist *line = transfer->headers; line; line = line->next)
        crypto_cleanse(line->data, strlen(line->data));
    (void)curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, NULL);
    curl_slist_free_all(transfer->headers);
    transfer->headers = NULL;
}

void transfer_free(struct transfer *transfer)
{
    if (!transfer)
        return;
    drop_headers(transfer);
    curl_easy_cleanup(transfer->easy);
    reply_clear(&transfer->reply);
    free(transfer);
}

/* ---- an exchange's own options ---- */

static bool add_line(struct transfer *transfer, const char *line)
{
    struct curl_slist *longer = curl_slist_append(transfer->headers, line);
    if (longer)
        transfer->headers = longer;
    return longer != NULL;
}

/* libcurl takes "Name:" with nothing behind it for "do not send this one"; "Name;" sends it empty. Validation let no
 * line break in; one that came another way must not become a second header. */
static bool add_header(struct transfer *transfer, const struct header *header)
{
    struct buf line = {0};
    if (header->name[0] == '\0' || strpbrk(header->name, ":;\r\n") || strpbrk(header->value, "\r\n"))
        return false;
    buf_append_text(&line, header->name);
    if (header->value[strspn(header->value, " \t")] == '\0') {
        buf_append_text(&line, ";");
    } else {
        buf_append_text(&line, ": ");
        buf_append_text(&line, header->value);
    }
    bool is_added = add_line(transfer, buf_text(&line));
    buf_clear(&line);
    return is_added;
}

static bool set_headers(struct transfer *transfer, const struct header_list *headers)
{
    bool is_good = add_line(transfer, "Expect:");
    for (size_t i = 0; is_good && i < headers->count; i++)
        is_good = add_header(transfer, &headers->items[i]);
    return is_good && curl_easy_setopt(transfer->easy, CURLOPT_HTTPHEADER, transfer->headers) == CURLE_OK;
}

static bool set_request(struct transfer *transfer, const struct exchange *exchange)
{
    CURL *easy = transfer->easy;
    int64_t timeout_ms = exchange->timeout_ms < 1 ? 1 : exchange->timeout_ms; /* 0 would be for ever */
    long timeout = timeout_ms > INT32_MAX ? (long)INT32_MAX : (long)timeout_ms;
    bool is_good = curl_easy_setopt(easy, CURLOPT_URL, exchange->url) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_TIMEOUT_MS, timeout) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_CONNECTTIMEOUT_MS, timeout) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)exchange->body.length) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_POSTFIELDS, exchange->body.length ? exchange->body.data : "") == CURLE_OK;
    return is_good && set_headers(transfer, &exchange->headers);
}

static enum attempt_error prepare(struct transfer *transfer, const struct exchange *exchange)
{
    const char *message;
    if (url_parse(exchange->url, strlen(exchange->url), &transfer->url, &message) != STATUS_OK)
        return ATTEMPT_PROTOCOL;
    if (!guard_allows_url(&transfer->guard))
        return ATTEMPT_BLOCKED;
    return set_request(transfer, exchange) ? ATTEMPT_NO_ERROR : ATTEMPT_PROTOCOL;
}

bool transfer_prepare(struct transfer *transfer, const struct exchange *exchange)
{
    transfer->context = exchange->context;
    transfer->started_at_ms = clock_monotonic_ms();
    transfer->guard.has_refused = false;
    transfer->refusal = prepare(transfer, exchange);
    return transfer->refusal == ATTEMPT_NO_ERROR;
}

/* ---- the outcome ---- */

/* Whatever is not listed is a peer that does not speak HTTP as it should, or stopped in the middle. */
static const struct {
    CURLcode code;
    enum attempt_error error;
} error_table[] = {
    {CURLE_OK, ATTEMPT_NO_ERROR},
    {CURLE_OPERATION_TIMEDOUT, ATTEMPT_TIMEOUT},
    {CURLE_COULDNT_RESOLVE_HOST, ATTEMPT_DNS},
    {CURLE_COULDNT_CONNECT, ATTEMPT_CONNECT},
    {CURLE_SSL_CONNECT_ERROR, ATTEMPT_TLS},
    {CURLE_PEER_FAILED_VERIFICATION, ATTEMPT_TLS},
    {CURLE_SSL_ENGINE_NOTFOUND, ATTEMPT_TLS},
    {CURLE_SSL_ENGINE_SETFAILED, ATTEMPT_TLS},
    {CURLE_SSL_ENGINE_INITFAILED, ATTEMPT_TLS},
    {CURLE_SSL_CERTPROBLEM, ATTEMPT_TLS},
    {CURLE_SSL_CIPHER, ATTEMPT_TLS},
    {CURLE_SSL_CACERT_BADFILE, ATTEMPT_TLS},
    {CURLE_SSL_CRL_BADFILE, ATTEMPT_TLS},
    {CURLE_SSL_ISSUER_ERROR, ATTEMPT_TLS},
    {CURLE_SSL_INVALIDCERTSTATUS, ATTEMPT_TLS},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ATTEMPT_TLS},
    {CURLE_SSL_CLIENTCERT, ATTEMPT_TLS},
    {CURLE_USE_SSL_FAILED, ATTEMPT_TLS},
    {CURLE_OUT_OF_MEMORY, ATTEMPT_TOO_LARGE}, /* one header line beyond libcurl's limit, before 8.6 */
#if LIBCURL_VERSION_NUM >= 0x080600
    {CURLE_TOO_LARGE, ATTEMPT_TOO_LARGE},
#endif
};

enum attempt_error transfer_error_of(CURLcode code)
{
    for (size_t i = 0; i < sizeof(error_table) / sizeof(*error_table); i++)
        if (error_table[i].code == code)
            return error_table[i].error;
    return ATTEMPT_PROTOCOL;
}

static enum attempt_error error_of(const struct transfer *transfer, CURLcode code)
{
    if (transfer->refusal != ATTEMPT_NO_ERROR)
        return transfer->refusal;
    if (transfer->reply.is_flooding)
        return ATTEMPT_TOO_LARGE;
    if (transfer->reply.is_cut)
        return ATTEMPT_NO_ERROR;
    if (code == CURLE_COULDNT_CONNECT && transfer->guard.has_refused)
        return ATTEMPT_BLOCKED;
    if (code == CURLE_OK && !transfer->reply.is_final) /* a connection that ends among the headers is fine to libcurl */
        return ATTEMPT_PROTOCOL;
    return transfer_error_of(code);
}

/* No answer is an interim response with nothing behind it, nor headers without an end. */
static int32_t status_of(const struct reply *reply, enum attempt_error error)
{
    bool is_interim = reply->status < 200 && error != ATTEMPT_NO_ERROR;
    bool is_endless = error == ATTEMPT_TOO_LARGE && !reply->is_final;
    return is_interim || is_endless ? 0 : reply->status;
}

void transfer_finish(struct transfer *transfer, CURLcode code, struct exchange_result *out)
{
    struct reply *reply = &transfer->reply;
    enum attempt_error error = error_of(transfer, code);
    int32_t status = status_of(reply, error);
    bool may_ask_to_wait = status == 429 || status == 503;
    *out = (struct exchange_result){
        .status = status,
        .error = error,
        .duration_ms = clock_monotonic_ms() - transfer->started_at_ms,
        .retry_after_ms = may_ask_to_wait ? reply->retry_after_ms : -1,
        .headers = reply->headers,
        .body = reply->body,
    };
    reply_init(reply); /* its buffers have a new owner */
    drop_headers(transfer);
    transfer->refusal = ATTEMPT_NO_ERROR;
}
