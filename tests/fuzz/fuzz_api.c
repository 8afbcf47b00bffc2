/* Throws requests at the API, in this process and over a real store in a temporary directory: mutated from ones that
 * are valid, in every part that a client decides. Whatever comes, the answer is one of the documented ones, is strict
 * JSON, and is never the service's own fault. Built with sanitizers it looks for worse.
 *   fuzz_api [REQUESTS [SEED]] */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "api/api.h"
#include "base/clock.h"
#include "base/json_scan.h"
#include "base/mem.h"
#include "model/api_key.h"
#include "store/store.h"

#define WEBHOOK "/v1/public/webhook"

static uint64_t random_state;

static uint32_t roll(uint32_t sides)
{
    random_state = random_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(random_state >> 33) % sides;
}

#define PICK(array) ((array)[roll(sizeof(array) / sizeof(array)[0])])

/* ---- what valid requests look like ---- */

/* A row that stands twice comes twice as often. */
static const struct {
    enum http_method method;
    const char *path; /* "{s}" stands for a subscription's id, "{e}" for an event's, "{d}" for a delivery's */
    uint32_t first_body, last_body;
} operations[] = {
    {HTTP_POST, WEBHOOK "/subscription", 0, 1},
    {HTTP_POST, WEBHOOK "/subscription", 0, 1},
    {HTTP_GET, WEBHOOK "/subscription/{s}", 0, 0},
    {HTTP_PUT, WEBHOOK "/subscription/{s}", 0, 1},
    {HTTP_PUT, WEBHOOK "/subscription/{s}", 0, 1},
    {HTTP_PATCH, WEBHOOK "/subscription/{s}", 0, 5},
    {HTTP_PATCH, WEBHOOK "/subscription/{s}", 2, 5},
    {HTTP_PATCH, WEBHOOK "/subscription/{s}", 2, 5},
    {HTTP_DELETE, WEBHOOK "/subscription/{s}", 0, 0},
    {HTTP_GET, WEBHOOK "/subscriptions", 0, 0},
    {HTTP_GET, WEBHOOK "/subscriptions", 0, 0},
    {HTTP_POST, WEBHOOK "/subscription/{s}/rotate/secret", 0, 0},
    {HTTP_POST, WEBHOOK "/subscription/{s}/revoke/secret", 0, 0},
    {HTTP_POST, WEBHOOK "/event", 6, 6},
    {HTTP_POST, WEBHOOK "/events", 7, 8},
    {HTTP_POST, WEBHOOK "/events", 7, 8},
    {HTTP_GET, WEBHOOK "/event/{e}", 0, 0},
    {HTTP_HEAD, WEBHOOK "/event/{e}", 0, 0},
    {HTTP_GET, WEBHOOK "/subscription/{s}/deliveries", 0, 0},
    {HTTP_GET, WEBHOOK "/subscription/{s}/deliveries", 0, 0},
    {HTTP_POST, WEBHOOK "/subscription/{s}/recover", 9, 9},
    {HTTP_POST, WEBHOOK "/subscription/{s}/test", 0, 0},
    {HTTP_POST, WEBHOOK "/subscription/{s}/probe/secret", 0, 0},
    {HTTP_GET, WEBHOOK "/subscription/{s}/probe/secret", 0, 0},
    {HTTP_GET, WEBHOOK "/delivery/{d}", 0, 0},
    {HTTP_POST, WEBHOOK "/delivery/{d}/retry", 0, 0},
    {HTTP_POST, WEBHOOK "/delivery/{d}/cancel", 0, 0},
    {HTTP_GET, "/v1/whoami", 0, 0},
};

static const char *const bodies[] = {
    "{\"name\":\"n{n}\",\"url\":\"https://example.com/\",\"enable_signed_webhooks\":true}",
    ("{\"name\":\"m{n}\",\"url\":\"http://example.com:8080/a?b\",\"enable_signed_webhooks\":false,\"active\":false,"
     "\"events\":[\"A.B\",\"C.*\"],\"headers\":{\"X-A\":\"1\",\"X-B\":null},\"description\":\"caf\\u00e9\","
     "\"agent_ids\":[\"a\",\"b\"],\"request_timeout_ms\":1500,\"retry_policy\":{\"retryStrategy\":\"FIXED_DELAY\","
     "\"maxRetryAttempts\":3,\"maxRetryDelayMs\":60000}}"),
    "{}",
    "{\"enable_signed_webhooks\":false}",
    "{\"enable_signed_webhooks\":true,\"events\":null,\"workspace_ids\":[\"w\"],\"agent_ids\":null}",
    "{\"headers\":{\"X-A\":null,\"X-C\":\"3\",\"x-c\":\"4\"},\"retry_policy\":{\"maxRetryAttempts\":null}}",
    ("{\"event_name\":\"A.B\",\"payload\":{\"x\":[1,2.5e3,\"\\u0000\\ud800\"]},\"agent_id\":\"a\","
     "\"trace_id\":\"t-1\"}"),
    ("[{\"event_name\":\"A.B\",\"payload\":{}},{\"event_name\":\"C.D\",\"payload\":{\"payload\":{}},"
     "\"workspace_id\":\"w\"}]"),
    "[{\"event_name\":\"Webhook.Test\",\"payload\":1},null,{\"event_name\":\"A.B\",\"event_name\":\"A.B\"}]",
    "{\"since\":\"2020-01-01T00:00:00Z\",\"until\":\"2100-01-01T00:00:00.5+01:00\"}",
};

static const char *const queries[] = {
    "",
    "page_size=2",
    "page_size=1&page_token={t}",
    "page_token={t}&page_size=100",
    "page_size=0&page_size=5&x=%",
    "page_size=3&status=WAITING&since=2020-01-01T00:00:00Z&event_name=A.B",
};

static const char *const words[] = {
    "null",
    "true",
    "{}",
    "[]",
    "\"\"",
    "-1",
    "1e999",
    "18446744073709551616",
    "\\u0000",
    "\\ud800",
    "\xff",
    "\xc3\xa9",
    "%",
    "%00",
    "%2F",
    "%zz",
    "&page_size=7",
    "+",
    "\"name\":\"n\",",
    "\"url\":\"http://127.0.0.1/\",",
    "\"headers\":{\"Host\":\"x\"},",
    "\"agent_ids\":[\"q\"],",
    "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[",
    "{\"a\":",
    "//",
    "..",
    "W/\"",
    "*",
    ", ",
    "\t",
};

static const char *const if_matches[] = {"*", "\"1-0\"", "\"2-0\", \"3-1\"", "W/\"1-0\"", "", "\""};
static const char *const media_types[] = {"application/json",
                                          "application/json",
                                          "application/merge-patch+json",
                                          "application/json; charset=utf-8",
                                          "text/plain",
                                          ""};
static const char *const idempotency_keys[] = {"a", "b", "c", "", "\x01"};

/* ---- mutation ---- */

static void replace_part(struct buf *text, size_t at, size_t length, const char *with, size_t with_length)
{
    struct buf out = {0};
    buf_append(&out, buf_text(text), at);
    buf_append(&out, with, with_length);
    buf_append(&out, buf_text(text) + at + length, text->length - at - length);
    buf_clear(text);
    *text = out;
}

static void mutate_once(struct buf *text)
{
    size_t at = roll((uint32_t)text->length + 1);
    size_t left = text->length - at;
    size_t length = left == 0 ? 0 : roll((uint32_t)(left < 24 ? left : 24) + 1);
    const char *word = PICK(words);
    char byte = (char)roll(256);
    switch (roll(5)) {
    case 0:
        replace_part(text, at, length, "", 0);
        break;
    case 1:
        replace_part(text, at, 0, word, strlen(word));
        break;
    case 2:
        replace_part(text, at, length, word, strlen(word));
        break;
    case 3:
        replace_part(text, at, length > 0, &byte, 1);
        break;
    default: {
        struct buf copy = {0};
        buf_append(&copy, buf_text(text) + at, length);
        replace_part(text, at, 0, buf_text(&copy), copy.length);
        buf_clear(&copy);
    }
    }
}

static void mutate(struct buf *text)
{
    for (uint32_t i = roll(4); i > 0; i--)
        mutate_once(text);
}

/* ---- one request ---- */

struct fuzzer {
    struct conf conf;
    struct api *api;
    char authorization[64];
    char subscription_id[OBJECT_ID_TEXT];
    char event_id[OBJECT_ID_TEXT];
    char delivery_id[DELIVERY_ID_TEXT];
    char page_token[96];
    size_t counts[600];
};

static void fill(struct buf *text, const char *hole, const char *with)
{
    const char *found = strstr(buf_text(text), hole);
    if (found != NULL)
        replace_part(text, (size_t)(found - buf_text(text)), strlen(hole), with, strlen(with));
}

static char *take(struct buf *text)
{
    char *copy = mem_strdup(buf_text(text)); /* ends at a NUL, as what comes from a web server does */
    buf_clear(text);
    return copy;
}

static char *maybe(const char *text)
{
    struct buf value = {0};
    if (roll(8) != 0)
        return NULL;
    buf_append_text(&value, text);
    if (roll(4) == 0)
        mutate(&value);
    return take(&value);
}

static void make_request(const struct fuzzer *fuzzer, struct request *out)
{
    size_t row = roll(sizeof operations / sizeof operations[0]);
    struct buf path = {0};
    struct buf query = {0};
    struct buf body = {0};
    buf_append_text(&path, operations[row].path);
    fill(&path, "{s}", fuzzer->subscription_id);
    fill(&path, "{e}", fuzzer->event_id);
    fill(&path, "{d}", fuzzer->delivery_id);
    if (roll(10) == 0)
        mutate(&path);
    buf_append_text(&query, PICK(queries));
    fill(&query, "{t}", fuzzer->page_token);
    if (roll(2) == 0)
        mutate(&query);
    uint32_t range = operations[row].last_body - operations[row].first_body + 1;
    buf_append_text(&body, roll(20) == 0 ? PICK(bodies) : bodies[operations[row].first_body + roll(range)]);
    fill(&body, "{n}", (const char[]){(char)('a' + roll(26)), '\0'});
    if (roll(3) != 0)
        mutate(&body);
    *out = (struct request){.method = roll(20) == 0 ? (enum http_method)roll(HTTP_OTHER + 1) : operations[row].method,
                            .client_path = mem_strdup("/x"),
                            .mount = mem_strdup(""),
                            .authorization = mem_strdup(fuzzer->authorization),
                            .content_type = mem_strdup(roll(20) == 0 ? PICK(media_types) : media_types[0]),
                            .if_match = maybe(PICK(if_matches)),
                            .idempotency_key = maybe(PICK(idempotency_keys)),
                            .body = body};
    out->path = take(&path);
    out->query = take(&query);
}

/* Remembers what later requests can name. */
static void learn(const char *body, const char *member, char *out, size_t size)
{
    const char *found = strstr(body, member);
    if (found == NULL)
        return;
    found += strlen(member);
    size_t length = strcspn(found, "\"");
    if (length < size) {
        memcpy(out, found, length);
        out[length] = '\0';
    }
}

static void fail(const struct request *request, const struct response *response, const char *what)
{
    fprintf(stderr, "fuzz_api: %s\n%s %s?%s\n%s\n--> %d\n%s\n", what, http_method_name(request->method), request->path,
            request->query, buf_text(&request->body), response->status, buf_text(&response->body));
    abort();
}

static void check(const struct request *request, const struct response *response)
{
    static const int allowed[] = {200, 201, 202, 204, 400, 404, 405, 409, 412, 415};
    bool is_allowed = false;
    for (size_t i = 0; i < sizeof allowed / sizeof allowed[0]; i++)
        is_allowed = is_allowed || response->status == allowed[i];
    if (!is_allowed)
        fail(request, response, "an answer that is not documented");
    struct json_scan scan;
    const char *message;
    if ((response->body.length == 0) != (response->status == 204))
        fail(request, response, "a body where there is none, or none where there is one");
    if (response->body.length == 0)
        return;
    if (json_scan(buf_slice(&response->body), JSON_DEPTH_LIMIT, &scan, &message) != STATUS_OK)
        fail(request, response, message);
    json_scan_clear(&scan);
}

static void send_one(struct fuzzer *fuzzer)
{
    struct request request;
    struct response response;
    make_request(fuzzer, &request);
    response_init(&response);
    api_handle(fuzzer->api, &request, &response);
    check(&request, &response);
    fuzzer->counts[response.status]++;
    const char *body = buf_text(&response.body);
    if (response.status == 201)
        learn(body, "\"id\":\"", fuzzer->subscription_id, sizeof fuzzer->subscription_id);
    if (response.status == 202)
        learn(body, "\"event_id\":\"", fuzzer->event_id, sizeof fuzzer->event_id);
    learn(body, "\"delivery_ids\":[\"", fuzzer->delivery_id, sizeof fuzzer->delivery_id);
    if (response.status == 200) /* of a list, in which the oldest stands first */
        learn(body, "{\"data\":[{\"id\":\"", fuzzer->subscription_id, sizeof fuzzer->subscription_id);
    if (response.status == 200)
        learn(body, "\"next_page_token\":\"", fuzzer->page_token, sizeof fuzzer->page_token);
    response_clear(&response);
    request_clear(&request);
}

/* ---- the store ---- */

static void must(enum status status, const char *what)
{
    if (status == STATUS_OK)
        return;
    fprintf(stderr, "fuzz_api: %s: %s\n", what, status_name(status));
    exit(1);
}

static void add_key(struct fuzzer *fuzzer)
{
    struct store *store;
    char text[API_KEY_TEXT];
    int64_t now_ms = clock_now_ms();
    struct api_key key = {
        .created_user_id = mem_strdup("fuzz"), .scopes = API_SCOPE_MANAGE | API_SCOPE_PUBLISH, .created_at_ms = now_ms};
    object_id_make(now_ms, &key.id);
    uuid_make(&key.organization_id);
    api_key_make(text);
    crypto_sha256(text, strlen(text), key.digest);
    must(store_open(&fuzzer->conf, STORE_FOR_COMMAND, &store, NULL), "store_open");
    must(store_key_put(store, &key), "store_key_put");
    store_close(store);
    snprintf(fuzzer->authorization, sizeof fuzzer->authorization, "Bearer %s", text);
    api_key_clear(&key);
}

int main(int argc, char **argv)
{
    long requests = argc > 1 ? atol(argv[1]) : 20000;
    random_state = argc > 2 ? strtoull(argv[2], NULL, 10) : (uint64_t)clock_now_ms();
    printf("fuzz_api: %ld requests, seed %" PRIu64 "\n", requests, random_state);
    char directory[] = "/tmp/hookturn-fuzz-XXXXXX";
    if (mkdtemp(directory) == NULL)
        return 1;
    setenv("HOME", directory, 1);
    setenv("HOOKTURN_DATA_DIR", directory, 1);
    setenv("HOOKTURN_MAX_SUBSCRIPTIONS", "50", 1);
    struct fuzzer fuzzer = {.subscription_id = "000000000000000000000000",
                            .event_id = "000000000000000000000000",
                            .delivery_id = "000000000000000000000000000000000000000000000000"};
    must(conf_load(NULL, NULL, &fuzzer.conf, NULL), "conf_load");
    must(store_create(&fuzzer.conf, NULL), "store_create");
    add_key(&fuzzer);
    fuzzer.api = api_new(&fuzzer.conf, STORE_FOR_REQUEST);
    for (long i = 0; i < requests; i++)
        send_one(&fuzzer);
    api_free(fuzzer.api);
    conf_clear(&fuzzer.conf);
    for (int status = 0; status < 600; status++)
        if (fuzzer.counts[status] > 0)
            printf("%d: %zu\n", status, fuzzer.counts[status]);
    char command[64];
    snprintf(command, sizeof command, "rm -rf %s", directory);
    return system(command);
}
