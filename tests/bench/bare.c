/* What libcurl does at best: a loop over its multi interface that signs (HMAC-SHA256) and posts COUNT times to URL,
 * FLIGHT at a time, over kept connections and handles, and stores nothing. Prints the seconds that it took.
 *
 *     bare URL COUNT FLIGHT BODY_BYTES */
#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"
#include "base/mem.h"

#define SECRET "whsec_sBk6kE/2gKtSWox8wQroYKDvGRoMg0S6NYW6aKPX"

struct load {
    CURLM *multi;
    const char *url;
    long left;
    char *body;
    size_t body_length;
};

static size_t swallow(char *bytes, size_t size, size_t count, void *context)
{
    (void)bytes;
    (void)context;
    return size * count;
}

static struct curl_slist *sign(const struct load *load)
{
    unsigned char mac[SHA256_BYTES];
    char line[128] = "X-Webhook-Signature: t=1781000100,v1=";
    size_t length = strlen(line);
    struct crypto_part part = {load->body, load->body_length};
    crypto_hmac_sha256(SECRET, strlen(SECRET), &part, 1, mac);
    hex_encode(mac, sizeof(mac), line + length);
    struct curl_slist *headers = curl_slist_append(NULL, "Content-Type: application/json");
    headers = curl_slist_append(headers, "Expect:");
    return curl_slist_append(headers, line);
}

static void start(struct load *load, CURL *easy)
{
    struct curl_slist *headers = sign(load);
    load->left--;
    (void)curl_easy_setopt(easy, CURLOPT_URL, load->url);
    (void)curl_easy_setopt(easy, CURLOPT_HTTPHEADER, headers);
    (void)curl_easy_setopt(easy, CURLOPT_PRIVATE, headers);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)load->body_length);
    (void)curl_easy_setopt(easy, CURLOPT_POSTFIELDS, load->body);
    (void)curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, swallow);
    (void)curl_multi_add_handle(load->multi, easy);
}

static void end(struct load *load, const CURLMsg *message)
{
    CURL *easy = message->easy_handle;
    char *headers = NULL;
    if (message->data.result != CURLE_OK) {
        (void)fprintf(stderr, "bare: %s\n", curl_easy_strerror(message->data.result));
        exit(EXIT_FAILURE);
    }
    (void)curl_easy_getinfo(easy, CURLINFO_PRIVATE, &headers);
    (void)curl_multi_remove_handle(load->multi, easy);
    curl_slist_free_all((struct curl_slist *)(void *)headers);
    if (load->left > 0)
        start(load, easy);
    else
        curl_easy_cleanup(easy);
}

static void run(struct load *load, long flight)
{
    int running = 1, queued;
    for (long i = 0; i < flight && load->left > 0; i++)
        start(load, curl_easy_init());
    while (running > 0) {
        (void)curl_multi_perform(load->multi, &running);
        for (const CURLMsg *message; (message = curl_multi_info_read(load->multi, &queued)) != NULL; running = 1)
            end(load, message);
        (void)curl_multi_poll(load->multi, NULL, 0, 100, NULL);
    }
}

int main(int argc, char **argv)
{
    if (argc != 5)
        return EXIT_FAILURE;
    struct load load = {.url = argv[1], .left = strtol(argv[2], NULL, 10), .body_length = strtoul(argv[4], NULL, 10)};
    long flight = strtol(argv[3], NULL, 10);
    load.body = mem_calloc(1, load.body_length + 1);
    memset(load.body, 'x', load.body_length);
    (void)curl_global_init(CURL_GLOBAL_DEFAULT);
    load.multi = curl_multi_init();
    (void)curl_multi_setopt(load.multi, CURLMOPT_MAXCONNECTS, flight);
    int64_t before_ms = clock_monotonic_ms();
    run(&load, flight);
    printf("%.3f\n", (double)(clock_monotonic_ms() - before_ms) / 1e3);
    (void)curl_multi_cleanup(load.multi);
    curl_global_cleanup();
    free(load.body);
    return EXIT_SUCCESS;
}
