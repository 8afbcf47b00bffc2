/* The one request of ours that is no delivery. */
#include "delivery/web_check.h"

#include <curl/curl.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/crypto.h"
#include "delivery/reply.h"
#include "delivery/transfer.h"
#include "delivery/trust.h"

static const struct transfer_number fixed_options[] = {
    {CURLOPT_TIMEOUT_MS, 10000},
    {CURLOPT_CONNECTTIMEOUT_MS, 10000},
    {CURLOPT_FOLLOWLOCATION, 0},
    {CURLOPT_NETRC, CURL_NETRC_IGNORED},
    {CURLOPT_HTTP09_ALLOWED, 0},
    {CURLOPT_SSL_VERIFYPEER, 1},
    {CURLOPT_SSL_VERIFYHOST, 2},
    {CURLOPT_NOSIGNAL, 1},
    {CURLOPT_NOPROGRESS, 0}, /* so that a signal ends it */
    {CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1},
};

static int on_progress(void *context, curl_off_t to_read, curl_off_t read, curl_off_t to_send, curl_off_t sent)
{
    const volatile sig_atomic_t *const *stop = context;
    (void)to_read, (void)read, (void)to_send, (void)sent;
    return **stop != 0;
}

static bool set_options(CURL *easy, const char *url, struct reply *reply, const volatile sig_atomic_t **stop, char *why)
{
    const struct trust trust = trust_find();
    bool is_good = curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK;
    is_good &= transfer_set_numbers(easy, fixed_options, sizeof(fixed_options) / sizeof(*fixed_options));
    is_good &= transfer_set_protocols(easy);
    is_good &= curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, reply_take_line) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_HEADERDATA, reply) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, reply_take_body) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_WRITEDATA, reply) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_XFERINFOFUNCTION, on_progress) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_XFERINFODATA, stop) == CURLE_OK;
    is_good &= curl_easy_setopt(easy, CURLOPT_ERRORBUFFER, why) == CURLE_OK;
    return is_good && transfer_set_trust(easy, &trust);
}

/* Only the list owns the key's text; libcurl's copy of a line is gone with the handle. */
static struct curl_slist *make_headers(const char *api_key)
{
    struct buf line = {0};
    struct curl_slist *headers = curl_slist_append(NULL, "Accept: application/json");
    if (api_key) {
        buf_printf(&line, "Authorization: Bearer %s", api_key);
        struct curl_slist *longer = curl_slist_append(headers, buf_text(&line));
        headers = longer ? longer : headers;
    }
    buf_clear(&line);
    return headers;
}

static void drop_headers(struct curl_slist *headers)
{
    for (struct curl_slist *line = headers; line; line = line->next)
        crypto_cleanse(line->data, strlen(line->data));
    curl_slist_free_all(headers);
}

static void take_outcome(CURLcode code, const struct reply *reply, struct web_answer *out)
{
    bool is_whole = code == CURLE_OK || reply->is_cut;
    out->error = is_whole ? ATTEMPT_NO_ERROR : transfer_error_of(code);
    out->status = reply->status >= 200 ? reply->status : 0;
    out->headers = reply->headers; /* moved */
    out->body = reply->body;
    if (!is_whole && out->why[0] == '\0')
        (void)snprintf(out->why, sizeof(out->why), "%s", curl_easy_strerror(code));
}

static void take_date(struct web_answer *out)
{
    struct buf date = {0};
    web_answer_header(out, "Date", &date);
    time_t seconds = date.length > 0 ? curl_getdate(buf_text(&date), NULL) : -1;
    out->date_ms = seconds >= 0 ? (int64_t)seconds * 1000 : -1;
    buf_clear(&date);
}

void web_get(const char *url, const char *api_key, const volatile sig_atomic_t *stop, struct web_answer *out)
{
    struct reply reply;
    char why[CURL_ERROR_SIZE] = "";
    *out = (struct web_answer){.error = ATTEMPT_PROTOCOL, .date_ms = -1};
    CURL *easy = curl_easy_init();
    struct curl_slist *headers = make_headers(api_key);
    reply_init(&reply);
    CURLcode code = CURLE_FAILED_INIT;
    if (easy && set_options(easy, url, &reply, &stop, why) &&
        curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers) == CURLE_OK)
        code = curl_easy_perform(easy);
    (void)snprintf(out->why, sizeof(out->why), "%s", why);
    take_outcome(code, &reply, out);
    take_date(out);
    curl_easy_cleanup(easy);
    drop_headers(headers);
}

void web_answer_clear(struct web_answer *answer)
{
    buf_clear(&answer->headers);
    buf_clear(&answer->body);
}

void web_answer_header(const struct web_answer *answer, const char *name, struct buf *out)
{
    const char *line = buf_text(&answer->headers);
    size_t length = strlen(name);
    while (*line) {
        size_t end = strcspn(line, "\r\n");
        if (end > length && strncasecmp(line, name, length) == 0 && line[length] == ':') {
            size_t start = length + 1 + strspn(line + length + 1, " \t");
            buf_append(out, line + start, end > start ? end - start : 0);
            return;
        }
        line += end;
        line += strspn(line, "\r\n");
    }
}
