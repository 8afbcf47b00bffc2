/* The sender against receivers that behave, and against those that do not; and the guard, which never lets it out.
 * Everything stays on this machine: what is blocked is blocked before a packet leaves. */
#include <dlfcn.h>
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/clock.h"
#include "delivery/sender.h"
#include "scripted_server.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"

/* ---- a resolver of the test's own: it stands before libc's, also for libcurl ---- */

enum { SLOW_RESOLVER_MS = 2000 };

int getaddrinfo(const char *name, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    typedef int resolve(const char *, const char *, const struct addrinfo *, struct addrinfo **);
    resolve *real;
    void *symbol = dlsym(RTLD_NEXT, "getaddrinfo");
    struct addrinfo numeric = hints ? *hints : (struct addrinfo){0};
    numeric.ai_flags |= AI_NUMERICHOST; /* no query ever leaves */
    memcpy(&real, &symbol, sizeof(real));
    if (name && strcmp(name, "slow.test") == 0)
        clock_sleep_ms(SLOW_RESOLVER_MS);
    return real(name && strcmp(name, "loopback.test") == 0 ? "127.0.0.1" : name, service, &numeric, out);
}

/* ---- one exchange ---- */

struct seen {
    size_t count;
    struct exchange_result result;
};

static void on_done(void *context, struct exchange_result *result)
{
    struct seen *seen = context;
    seen->count++;
    seen->result = *result;
    result->headers = (struct buf){0};
    result->body = (struct buf){0};
}

static void seen_clear(struct seen *seen)
{
    buf_clear(&seen->result.headers);
    buf_clear(&seen->result.body);
    *seen = (struct seen){0};
}

struct fixture {
    struct destination_rule allow[1];
    struct destination_policy policy;
    struct sender *sender;
    struct seen seen;
};

static void allow(struct fixture *fixture, const char *rule)
{
    assert_int_equal(destination_rule_parse(rule, &fixture->allow[0]), STATUS_OK);
    fixture->policy.allow = fixture->allow;
    fixture->policy.allow_count = 1;
}

static struct fixture *fixture_new(const char *rule)
{
    struct failure failure;
    struct fixture *fixture = calloc(1, sizeof(*fixture));
    assert_non_null(fixture);
    if (rule)
        allow(fixture, rule);
    assert_int_equal(sender_new(&fixture->policy, 8, &fixture->sender, &failure), STATUS_OK);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    sender_free(fixture->sender);
    if (fixture->policy.allow_count > 0)
        destination_rule_clear(&fixture->allow[0]);
    seen_clear(&fixture->seen);
    free(fixture);
}

static void run_to_end(struct fixture *fixture)
{
    int64_t until_ms = clock_monotonic_ms() + 5000;
    while (sender_in_flight(fixture->sender) > 0 && clock_monotonic_ms() < until_ms)
        sender_run(fixture->sender, 100, -1);
    assert_int_equal(sender_in_flight(fixture->sender), 0);
}

static void send_exchange(struct fixture *fixture, const struct exchange *exchange)
{
    struct exchange copy = *exchange;
    copy.context = &fixture->seen;
    seen_clear(&fixture->seen);
    sender_start(fixture->sender, &copy, on_done);
    assert_int_equal(fixture->seen.count, 0); /* never from sender_start */
    run_to_end(fixture);
    assert_int_equal(fixture->seen.count, 1);
}

static void send_to(struct fixture *fixture, const char *url, int64_t timeout_ms)
{
    struct exchange exchange = {.url = url, .body = slice_of("{\"a\":1}"), .timeout_ms = timeout_ms};
    send_exchange(fixture, &exchange);
}

static void url_of(const struct scripted_server *server, const char *scheme, const char *host, char out[128])
{
    (void)snprintf(out, 128, "%s://%s:%u/hook?x=1", scheme, host, (unsigned)server->port);
}

/* One exchange with a server that follows `script`; the fixture has the result, the server is stopped. */
static struct fixture *exchange_with(struct script script, const char *scheme, int64_t timeout_ms,
                                     struct scripted_server *server)
{
    char url[128];
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    server_start(server, script);
    url_of(server, scheme, "127.0.0.1", url);
    send_to(fixture, url, timeout_ms);
    return fixture;
}

static void assert_result(const struct fixture *fixture, int32_t status, enum attempt_error error)
{
    assert_int_equal(fixture->seen.result.status, status);
    assert_string_equal(attempt_error_name(fixture->seen.result.error), attempt_error_name(error));
}

/* A script, and what must come of it. The budget of each exchange is 300 ms. */
static void expect(struct script script, int32_t status, enum attempt_error error)
{
    struct scripted_server server;
    struct fixture *fixture = exchange_with(script, "http", 300, &server);
    assert_result(fixture, status, error);
    fixture_free(fixture);
    server_stop(&server);
}

/* ---- what is sent ---- */

static void test_sends_headers_and_body_as_given(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = fixture_new("127.0.0.1");
    struct header items[] = {{(char *)"Content-Type", (char *)"application/json"},
                             {(char *)"User-Agent", (char *)"hookturn/1"},
                             {(char *)"X-Empty", (char *)""},
                             {(char *)"X-Blank", (char *)"  "}};
    char url[128];
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    (void)snprintf(url, sizeof(url), "http://127.0.0.1:%u/a/../b//c?d=%%20", (unsigned)server.port);
    struct exchange exchange = {
        .url = url, .body = slice_of("{\"a\":1}"), .headers = {.items = items, .count = 4}, .timeout_ms = 1000};
    send_exchange(fixture, &exchange);
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    fixture_free(fixture);
    server_stop(&server);
    assert_ptr_equal(strstr(server.request, "POST /a/../b//c?d=%20 HTTP/1.1\r\n"), server.request);
    assert_non_null(strstr(server.request, "\r\nContent-Type: application/json\r\n"));
    assert_non_null(strstr(server.request, "\r\nUser-Agent: hookturn/1\r\n"));
    assert_non_null(strstr(server.request, "\r\nX-Empty:\r\n"));
    assert_non_null(strstr(server.request, "\r\nX-Blank:\r\n"));
    assert_non_null(strstr(server.request, "\r\nContent-Length: 7\r\n"));
    assert_non_null(strstr(server.request, "\r\n\r\n{\"a\":1}"));
    assert_null(strcasestr(server.request, "Expect:"));
    assert_null(strcasestr(server.request, "Accept-Encoding:"));
}

static void test_sends_body_larger_than_any_buffer(void **state)
{
    (void)state;
    static char body[12000];
    struct scripted_server server;
    struct fixture *fixture = fixture_new("127.0.0.1");
    char url[128];
    memset(body, 'b', sizeof(body));
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    url_of(&server, "http", "127.0.0.1", url);
    struct exchange exchange = {.url = url, .body = {body, sizeof(body)}, .timeout_ms = 1000};
    send_exchange(fixture, &exchange);
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(strspn(strstr(server.request, "\r\n\r\n") + 4, "b"), sizeof(body));
}

static void test_header_with_line_break_is_never_sent(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = fixture_new("127.0.0.1");
    struct header items[] = {{(char *)"X-A", (char *)"1\r\nX-B: 2"}};
    char url[128];
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    url_of(&server, "http", "127.0.0.1", url);
    struct exchange exchange = {.url = url, .headers = {.items = items, .count = 1}, .timeout_ms = 1000};
    send_exchange(fixture, &exchange);
    assert_result(fixture, 0, ATTEMPT_PROTOCOL);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(server.connections, 0);
}

static void test_connection_is_used_again(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    char url[128];
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_KEEP});
    url_of(&server, "http", "127.0.0.1", url);
    for (int i = 0; i < 3; i++) {
        send_to(fixture, url, 1000);
        assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    }
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(server.requests, 3);
    assert_int_equal(server.connections, 1);
}

static void test_proxy_of_the_environment_is_ignored(void **state)
{
    (void)state;
    assert_int_equal(setenv("http_proxy", "http://127.0.0.1:1", 1), 0);
    assert_int_equal(setenv("ALL_PROXY", "http://127.0.0.1:1", 1), 0);
    expect((struct script){.answer = OK_ANSWER, .then = THEN_CLOSE}, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(unsetenv("http_proxy"), 0);
    assert_int_equal(unsetenv("ALL_PROXY"), 0);
}

/* ---- what comes back ---- */

static void test_answer_is_kept(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = exchange_with(
        (struct script){.answer = "HTTP/1.1 201 Made\r\nX-One: 1\r\nX-Two:  2 \nContent-Length: 4\r\n\r\nbody"}, "http",
        1000, &server);
    assert_result(fixture, 201, ATTEMPT_NO_ERROR);
    assert_string_equal(buf_text(&fixture->seen.result.headers), "X-One: 1\r\nX-Two:  2 \r\nContent-Length: 4\r\n");
    assert_string_equal(buf_text(&fixture->seen.result.body), "body");
    fixture_free(fixture);
    server_stop(&server);
}

static void test_interim_responses_are_passed_over(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = exchange_with(
        (struct script){.answer =
                            "HTTP/1.1 100 Continue\r\nX-A: 1\r\n\r\nHTTP/1.1 103 Early Hints\r\nRetry-After: 9\r\n\r\n"
                            "HTTP/1.1 503 Busy\r\nX-B: 2\r\nContent-Length: 0\r\n\r\n"},
        "http", 1000, &server);
    assert_result(fixture, 503, ATTEMPT_NO_ERROR);
    assert_string_equal(buf_text(&fixture->seen.result.headers), "X-B: 2\r\nContent-Length: 0\r\n");
    assert_int_equal(fixture->seen.result.retry_after_ms, -1);
    fixture_free(fixture);
    server_stop(&server);
    expect((struct script){.answer = "HTTP/1.1 100 Continue\r\n\r\n", .then = THEN_HANG}, 0, ATTEMPT_TIMEOUT);
}

static void test_trailers_are_not_headers(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture =
        exchange_with((struct script){.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                                                "2\r\nok\r\n0\r\nX-Trailer: 1\r\n\r\n"},
                      "http", 1000, &server);
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    assert_string_equal(buf_text(&fixture->seen.result.headers), "Transfer-Encoding: chunked\r\n");
    assert_string_equal(buf_text(&fixture->seen.result.body), "ok");
    fixture_free(fixture);
    server_stop(&server);
}

static int64_t retry_after_of(const char *answer)
{
    struct scripted_server server;
    struct fixture *fixture = exchange_with((struct script){.answer = answer}, "http", 1000, &server);
    int64_t retry_after_ms = fixture->seen.result.retry_after_ms;
    fixture_free(fixture);
    server_stop(&server);
    return retry_after_ms;
}

static void test_retry_after_counts_with_429_and_503_alone(void **state)
{
    (void)state;
    assert_int_equal(retry_after_of("HTTP/1.1 503 Busy\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"), 7000);
    assert_int_equal(retry_after_of("HTTP/1.1 429 Slow\r\nretry-after:\t8 \r\nContent-Length: 0\r\n\r\n"), 8000);
    assert_int_equal(retry_after_of("HTTP/1.1 500 Bad\r\nRetry-After: 7\r\nContent-Length: 0\r\n\r\n"), -1);
    assert_int_equal(retry_after_of("HTTP/1.1 503 Busy\r\nRetry-After: soon\r\nContent-Length: 0\r\n\r\n"), -1);
}

static void test_redirect_is_not_followed(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = exchange_with(
        (struct script){.answer = "HTTP/1.1 302 Found\r\nLocation: /b\r\nContent-Length: 0\r\n\r\n", .then = THEN_KEEP},
        "http", 1000, &server);
    assert_result(fixture, 302, ATTEMPT_NO_ERROR);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(server.requests, 1);
}

static void test_endless_body_ends_and_its_status_counts(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture =
        exchange_with((struct script){.answer = "HTTP/1.1 200 OK\r\n\r\n", .then = THEN_FLOOD}, "http", 2000, &server);
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(fixture->seen.result.body.length, ATTEMPT_BODY_KEPT);
    assert_true(fixture->seen.result.duration_ms < 1500);
    fixture_free(fixture);
    server_stop(&server);
}

static void test_kept_headers_are_whole_lines_within_their_bound(void **state)
{
    (void)state;
    struct scripted_server server;
    struct buf answer = {0};
    buf_append_text(&answer, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n");
    for (int i = 0; i < 200; i++)
        buf_printf(&answer, "X-%03d: 0123456789012345678901234567890123456789012345678901234567890123456789\r\n", i);
    buf_append_text(&answer, "\r\n");
    struct fixture *fixture = exchange_with((struct script){.answer = buf_text(&answer)}, "http", 1000, &server);
    const struct buf *headers = &fixture->seen.result.headers;
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    assert_in_range(headers->length, ATTEMPT_HEADERS_KEPT - 100, ATTEMPT_HEADERS_KEPT);
    assert_memory_equal(headers->data + headers->length - 4, "89\r\n", 4);
    fixture_free(fixture);
    server_stop(&server);
    buf_clear(&answer);
}

/* ---- what goes wrong ---- */

static void test_header_floods_are_too_large(void **state)
{
    (void)state;
    struct buf answer = {0};
    buf_append_text(&answer, "HTTP/1.1 200 OK\r\n");
    for (int i = 0; i < 4000; i++)
        buf_printf(&answer, "X-%04d: 01234567890123456789012345678901234567890123456789\r\n", i);
    expect((struct script){.answer = buf_text(&answer), .then = THEN_HANG}, 0, ATTEMPT_TOO_LARGE);
    buf_reset(&answer);
    for (int i = 0; i < 6000; i++)
        buf_append_text(&answer, "HTTP/1.1 100 Continue\r\n\r\n");
    expect((struct script){.answer = buf_text(&answer), .then = THEN_HANG}, 0, ATTEMPT_TOO_LARGE);
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\nX-Long: ", .then = THEN_FLOOD}, 0, ATTEMPT_TOO_LARGE);
    buf_clear(&answer);
}

static void test_silent_receiver_times_out(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture = exchange_with((struct script){.then = THEN_HANG}, "http", 200, &server);
    assert_result(fixture, 0, ATTEMPT_TIMEOUT);
    assert_in_range(fixture->seen.result.duration_ms, 150, 1000);
    fixture_free(fixture);
    server_stop(&server);
}

static void test_dripping_receiver_times_out(void **state)
{
    (void)state;
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\n\r\n", .then = THEN_DRIP}, 200, ATTEMPT_TIMEOUT);
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\nX-A: ", .then = THEN_DRIP}, 200, ATTEMPT_TIMEOUT);
}

static void test_broken_answers_are_protocol_errors(void **state)
{
    (void)state;
    expect((struct script){.then = THEN_CLOSE}, 0, ATTEMPT_PROTOCOL);
    expect((struct script){.answer = "garbage\r\n\r\n", .then = THEN_CLOSE}, 0, ATTEMPT_PROTOCOL);
    expect((struct script){.answer = "SSH-2.0-OpenSSH\r\n", .then = THEN_HANG}, 0, ATTEMPT_PROTOCOL);
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nshort", .then = THEN_CLOSE}, 200,
           ATTEMPT_PROTOCOL);
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\n", .then = THEN_CLOSE},
           200, ATTEMPT_PROTOCOL);
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\nContent-Le", .then = THEN_CLOSE}, 200, ATTEMPT_PROTOCOL);
    expect((struct script){.answer = "HTTP/1.1 200 OK\r\n", .then = THEN_CLOSE}, 200, ATTEMPT_PROTOCOL);
}

static void test_closed_port_is_a_connect_error(void **state)
{
    (void)state;
    struct scripted_server server;
    char url[128];
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    server_start(&server, (struct script){.then = THEN_CLOSE});
    server_stop(&server);
    url_of(&server, "http", "127.0.0.1", url);
    send_to(fixture, url, 1000);
    assert_result(fixture, 0, ATTEMPT_CONNECT);
    fixture_free(fixture);
}

static void test_unknown_name_is_a_dns_error(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(NULL);
    send_to(fixture, "http://unknown.test/", 3000);
    assert_result(fixture, 0, ATTEMPT_DNS);
    fixture_free(fixture);
}

/* The resolver's thread cannot be stopped; nobody may wait for it. */
static void test_slow_resolver_times_out_without_holding_the_others(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(NULL);
    int64_t before_ms = clock_monotonic_ms();
    send_to(fixture, "http://slow.test/", 200);
    assert_result(fixture, 0, ATTEMPT_TIMEOUT);
    fixture_free(fixture);
    assert_true(clock_monotonic_ms() - before_ms < SLOW_RESOLVER_MS / 2);
}

static void test_unusable_urls_are_reported_like_any_outcome(void **state)
{
    (void)state;
    static const char *const urls[] = {"ftp://127.0.0.1/", "http://user@127.0.0.1/", "http://127.0.0.1\\@example/",
                                       "file:///etc/passwd", ""};
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    for (size_t i = 0; i < sizeof(urls) / sizeof(*urls); i++) {
        send_to(fixture, urls[i], 1000);
        assert_result(fixture, 0, ATTEMPT_PROTOCOL);
    }
    fixture_free(fixture);
}

static void test_plain_http_on_an_https_url_is_a_tls_error(void **state)
{
    (void)state;
    struct scripted_server server;
    struct script script = {.answer = "HTTP/1.1 400 Bad\r\nContent-Length: 0\r\n\r\n", .speaks_first = true};
    struct fixture *fixture = exchange_with(script, "https", 1000, &server);
    assert_result(fixture, 0, ATTEMPT_TLS);
    fixture_free(fixture);
    server_stop(&server);
}

static void test_untrusted_certificate_is_a_tls_error(void **state)
{
    (void)state;
    struct scripted_server server;
    struct fixture *fixture =
        exchange_with((struct script){.answer = OK_ANSWER, .is_tls = true}, "https", 1000, &server);
    assert_result(fixture, 0, ATTEMPT_TLS);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(server.connections, 1);
    assert_int_equal(server.requests, 0);
}

/* ---- the guard ---- */

static void expect_blocked(struct fixture *fixture, const char *host)
{
    struct scripted_server server;
    char url[128];
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    url_of(&server, "http", host, url);
    send_to(fixture, url, 1000);
    assert_result(fixture, 0, ATTEMPT_BLOCKED);
    server_stop(&server);
    assert_int_equal(server.connections, 0);
}

static void test_loopback_is_blocked_in_every_spelling(void **state)
{
    (void)state;
    static const char *const hosts[] = {"127.0.0.1",
                                        "127.1",
                                        "127.0.0.1.",
                                        "2130706433",
                                        "0x7f000001",
                                        "0x7F.1",
                                        "017700000001",
                                        "0177.0.0.1",
                                        "0.0.0.0",
                                        "0",
                                        "localhost",
                                        "LocalHost",
                                        "[::1]",
                                        "[::]",
                                        "[::ffff:127.0.0.1]",
                                        "[::ffff:7f00:1]",
                                        "[64:ff9b::7f00:1]",
                                        "[2002:7f00:1::]"};
    struct fixture *fixture = fixture_new(NULL);
    for (size_t i = 0; i < sizeof(hosts) / sizeof(*hosts); i++)
        expect_blocked(fixture, hosts[i]);
    expect_blocked(fixture, "loopback.test"); /* a public name that points inside */
    fixture_free(fixture);
}

static void test_denied_port_is_blocked_even_where_allowed(void **state)
{
    (void)state;
    struct scripted_server server;
    char url[128];
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    fixture->policy.deny_ports = &server.port;
    fixture->policy.deny_port_count = 1;
    url_of(&server, "http", "127.0.0.1", url);
    send_to(fixture, url, 1000);
    assert_result(fixture, 0, ATTEMPT_BLOCKED);
    url_of(&server, "http", "localhost", url);
    send_to(fixture, url, 1000);
    assert_result(fixture, 0, ATTEMPT_BLOCKED);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(server.connections, 0);
}

static void test_allowed_name_exempts_itself_alone(void **state)
{
    (void)state;
    struct scripted_server server;
    char url[128];
    struct fixture *fixture = fixture_new("localhost");
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_KEEP});
    url_of(&server, "http", "localhost", url);
    send_to(fixture, url, 1000);
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    url_of(&server, "http", "127.0.0.1", url); /* its connection is no way in either */
    send_to(fixture, url, 1000);
    assert_result(fixture, 0, ATTEMPT_BLOCKED);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(server.connections, 1);
}

static void test_one_allowed_address_of_a_name_is_enough(void **state)
{
    (void)state;
    struct scripted_server server;
    char url[128];
    struct fixture *fixture = fixture_new("127.0.0.0/8"); /* of localhost, which is ::1 as well */
    server_start(&server, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    url_of(&server, "http", "localhost", url);
    send_to(fixture, url, 1000);
    assert_result(fixture, 200, ATTEMPT_NO_ERROR);
    fixture_free(fixture);
    server_stop(&server);
}

/* ---- many at once ---- */

static void test_slow_receiver_delays_no_other(void **state)
{
    (void)state;
    struct scripted_server slow, quick;
    struct seen slow_seen = {0}, quick_seen = {0};
    char slow_url[128], quick_url[128];
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    server_start(&slow, (struct script){.then = THEN_HANG});
    server_start(&quick, (struct script){.answer = OK_ANSWER, .then = THEN_CLOSE});
    url_of(&slow, "http", "127.0.0.1", slow_url);
    url_of(&quick, "http", "127.0.0.1", quick_url);
    struct exchange exchange = {.url = slow_url, .timeout_ms = 400, .context = &slow_seen};
    sender_start(fixture->sender, &exchange, on_done);
    exchange.url = quick_url;
    exchange.context = &quick_seen;
    sender_start(fixture->sender, &exchange, on_done);
    assert_int_equal(sender_in_flight(fixture->sender), 2);
    run_to_end(fixture);
    assert_int_equal(slow_seen.result.error, ATTEMPT_TIMEOUT);
    assert_int_equal(quick_seen.result.status, 200);
    assert_true(quick_seen.result.duration_ms < 200);
    seen_clear(&slow_seen);
    seen_clear(&quick_seen);
    fixture_free(fixture);
    server_stop(&slow);
    server_stop(&quick);
}

static void test_readable_descriptor_ends_the_wait(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(NULL);
    int fd = eventfd(1, 0);
    int64_t before_ms = clock_monotonic_ms();
    sender_run(fixture->sender, 3000, fd);
    assert_true(clock_monotonic_ms() - before_ms < 1000);
    assert_int_equal(eventfd_write(fd, 1), 0);
    (void)close(fd);
    fixture_free(fixture);
}

static void test_dropped_exchanges_do_not_call_back(void **state)
{
    (void)state;
    struct scripted_server server;
    struct seen seen = {0};
    char url[128];
    struct fixture *fixture = fixture_new("127.0.0.0/8");
    server_start(&server, (struct script){.then = THEN_HANG});
    url_of(&server, "http", "127.0.0.1", url);
    struct exchange exchange = {.url = url, .timeout_ms = 5000, .context = &seen};
    sender_start(fixture->sender, &exchange, on_done);
    sender_run(fixture->sender, 20, -1);
    fixture_free(fixture);
    server_stop(&server);
    assert_int_equal(seen.count, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_sends_headers_and_body_as_given),
        cmocka_unit_test(test_sends_body_larger_than_any_buffer),
        cmocka_unit_test(test_header_with_line_break_is_never_sent),
        cmocka_unit_test(test_connection_is_used_again),
        cmocka_unit_test(test_proxy_of_the_environment_is_ignored),
        cmocka_unit_test(test_answer_is_kept),
        cmocka_unit_test(test_interim_responses_are_passed_over),
        cmocka_unit_test(test_trailers_are_not_headers),
        cmocka_unit_test(test_retry_after_counts_with_429_and_503_alone),
        cmocka_unit_test(test_redirect_is_not_followed),
        cmocka_unit_test(test_endless_body_ends_and_its_status_counts),
        cmocka_unit_test(test_kept_headers_are_whole_lines_within_their_bound),
        cmocka_unit_test(test_header_floods_are_too_large),
        cmocka_unit_test(test_silent_receiver_times_out),
        cmocka_unit_test(test_dripping_receiver_times_out),
        cmocka_unit_test(test_broken_answers_are_protocol_errors),
        cmocka_unit_test(test_closed_port_is_a_connect_error),
        cmocka_unit_test(test_unknown_name_is_a_dns_error),
        cmocka_unit_test(test_slow_resolver_times_out_without_holding_the_others),
        cmocka_unit_test(test_unusable_urls_are_reported_like_any_outcome),
        cmocka_unit_test(test_plain_http_on_an_https_url_is_a_tls_error),
        cmocka_unit_test(test_untrusted_certificate_is_a_tls_error),
        cmocka_unit_test(test_loopback_is_blocked_in_every_spelling),
        cmocka_unit_test(test_denied_port_is_blocked_even_where_allowed),
        cmocka_unit_test(test_allowed_name_exempts_itself_alone),
        cmocka_unit_test(test_one_allowed_address_of_a_name_is_enough),
        cmocka_unit_test(test_slow_receiver_delays_no_other),
        cmocka_unit_test(test_readable_descriptor_ends_the_wait),
        cmocka_unit_test(test_dropped_exchanges_do_not_call_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
