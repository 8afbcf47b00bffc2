/* The rules for what a client may say about a subscription or an event. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/subscription_check.h"

#define ALLOWED(check, text) assert_null(check((text), strlen(text)))
#define REFUSED(check, text) assert_non_null(check((text), strlen(text)))

/* `count` times `unit`; the caller frees. */
static char *repeat(const char *unit, size_t count)
{
    struct buf text = {0};
    for (size_t i = 0; i < count; i++)
        buf_append_text(&text, unit);
    char *copy = mem_strdup(buf_text(&text));
    buf_clear(&text);
    return copy;
}

static bool allows_repeated(const char *(*check)(const char *, size_t), const char *unit, size_t count)
{
    char *text = repeat(unit, count);
    bool is_allowed = check(text, strlen(text)) == NULL;
    free(text);
    return is_allowed;
}

static void names_are_not_blank_and_at_most_255_code_points(void **state)
{
    (void)state;
    ALLOWED(check_name, "x");
    ALLOWED(check_name, " x ");
    REFUSED(check_name, "");
    REFUSED(check_name, " \t\n");
    REFUSED(check_name, "\xc2\xa0\xe2\x80\x83\xe3\x80\x80"); /* no-break, em and ideographic space */
    assert_true(allows_repeated(check_name, "a", 255));
    assert_false(allows_repeated(check_name, "a", 256));
    assert_true(allows_repeated(check_name, "\xf0\x9f\x94\x91", 255));
    assert_false(allows_repeated(check_name, "\xf0\x9f\x94\x91", 256));
}

static void descriptions_have_at_most_1500_code_points(void **state)
{
    (void)state;
    ALLOWED(check_description, "");
    assert_true(allows_repeated(check_description, "\xc3\xa9", 1500));
    assert_false(allows_repeated(check_description, "\xc3\xa9", 1501));
}

static const char *url_with(const char *text, bool require_https)
{
    static uint16_t denied[] = {22, 25, 6379};
    struct destination_rule rules[1];
    struct destination_policy policy = {rules, 1, denied, 3};
    assert_int_equal(destination_rule_parse("127.0.0.0/8:8080", &rules[0]), STATUS_OK);
    const char *message = check_url(text, strlen(text), &policy, require_https);
    destination_rule_clear(&rules[0]);
    return message;
}

static void public_urls_are_allowed(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "https://example.com/hooks?a=b",  "http://example.com",     "https://example.com:8443/", "https://8.8.8.8/x",
        "https://[2606:4700::1111]:443/", "http://127.0.0.1:8080/", "http://127.9.9.9:8080/x",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_null(url_with(urls[i], false));
}

static void special_addresses_are_refused_in_any_spelling(void **state)
{
    (void)state;
    static const char *const urls[] = {
        "http://127.0.0.1/",
        "http://127.0.0.1:8081/",
        "http://127.1:80/",
        "http://2130706433/",
        "http://0x7f000001/",
        "http://0177.0.0.1/",
        "http://10.0.0.1/",
        "http://192.168.1.1/",
        "http://169.254.169.254/latest/",
        "http://[::1]/",
        "http://[::ffff:10.0.0.1]/",
        "http://[fe80::1]/",
        "http://[2002:7f00:1::]/",
        "http://0/",
    };
    for (size_t i = 0; i < sizeof urls / sizeof urls[0]; i++)
        assert_non_null(url_with(urls[i], false));
}

static void denied_ports_malformed_urls_and_plain_http_are_refused(void **state)
{
    (void)state;
    assert_non_null(url_with("http://example.com:22/", false));
    assert_non_null(url_with("https://example.com:6379/", false));
    assert_non_null(url_with("ftp://example.com/", false));
    assert_non_null(url_with("https://user:pw@example.com/", false));
    assert_non_null(url_with("", false));
    assert_non_null(url_with("http://example.com/", true));
    assert_null(url_with("https://example.com/", true));
}

static void event_filters_are_star_service_or_name(void **state)
{
    (void)state;
    static const char *const good[] = {"*", "Call.*", "Call.Ended", "a.b", "_._", "A1_.b2", "Webhook.DeliveryFailed"};
    static const char *const bad[] = {"",
                                      "Call",
                                      "Call.",
                                      ".Ended",
                                      ".*",
                                      "*.*",
                                      "*.Ended",
                                      "Call.**",
                                      "Call.E*",
                                      "Call.Ended.Now",
                                      "Call.*.x",
                                      "Call Ended",
                                      "Call.End-ed",
                                      " *",
                                      "**",
                                      "Caf\xc3\xa9.Open",
                                      "Call.Ended\n"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        ALLOWED(check_event_filter, good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(check_event_filter, bad[i]);
    char *name = repeat("a", 129);
    name[1] = '.';
    assert_null(check_event_filter(name, 128));
    assert_non_null(check_event_filter(name, 129));
    free(name);
}

static void event_names_are_full_and_not_ours(void **state)
{
    (void)state;
    static const char *const bad[] = {"",       "*",     "Call.*",       "Call",     "Call.",
                                      ".Ended", "a.b.c", "Webhook.Test", "Webhook.x"};
    ALLOWED(check_event_name, "Call.Ended");
    ALLOWED(check_event_name, "webhook.Test");
    ALLOWED(check_event_name, "Webhooks.Test");
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(check_event_name, bad[i]);
    char *name = repeat("a", 129);
    name[64] = '.';
    assert_null(check_event_name(name, 128));
    assert_non_null(check_event_name(name, 129));
    free(name);
}

static void trace_ids_have_1_to_128_of_their_alphabet(void **state)
{
    (void)state;
    ALLOWED(check_trace_id, "a");
    ALLOWED(check_trace_id, "6c1c4a3e-3f0e_Z");
    REFUSED(check_trace_id, "");
    REFUSED(check_trace_id, "a b");
    REFUSED(check_trace_id, "a\"b");
    REFUSED(check_trace_id, "a.b");
    REFUSED(check_trace_id, "\xc3\xa9");
    assert_true(allows_repeated(check_trace_id, "a", 128));
    assert_false(allows_repeated(check_trace_id, "a", 129));
}

static void scope_ids_are_not_blank(void **state)
{
    (void)state;
    ALLOWED(check_scope_id, "agent 1");
    REFUSED(check_scope_id, "");
    REFUSED(check_scope_id, " \xe2\x80\x83");
}

static void header_names_are_tokens(void **state)
{
    (void)state;
    ALLOWED(check_header_name, "X-Api-Key");
    ALLOWED(check_header_name, "Authorization");
    ALLOWED(check_header_name, "!#$%&'*+-.^_`|~09azAZ");
    static const char *const bad[] = {"",     "X Key", "X:Key", "X\r\nY",    "X\tY",
                                      "X(Y)", "X/Y",   "\"X\"", "X\xc3\xa9", "X\x7f"};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        REFUSED(check_header_name, bad[i]);
    assert_non_null(check_header_name("X\0Y", 3));
}

static void header_names_of_the_connection_and_of_ours_are_refused(void **state)
{
    (void)state;
    static const char *const refused[] = {"Host",
                                          "HOST",
                                          "host",
                                          "Content-Type",
                                          "content-length",
                                          "Content-",
                                          "Transfer-Encoding",
                                          "Connection",
                                          "Keep-Alive",
                                          "Expect",
                                          "TE",
                                          "te",
                                          "Trailer",
                                          "Upgrade",
                                          "Proxy-Authorization",
                                          "proxy-connection",
                                          "User-Agent",
                                          "X-Webhook-Signature",
                                          "x-webhook-anything",
                                          "Webhook-Id",
                                          "webhook-signature",
                                          "WEBHOOK-X"};
    static const char *const near[] = {
        "Hosts",          "X-Host",     "Content",   "Contents", "TEA",
        "Trailers",       "Proxy",      "X-Webhook", "Webhook",  "Upgrade-Insecure-Requests",
        "X-Content-Type", "Connection2"};
    for (size_t i = 0; i < sizeof refused / sizeof refused[0]; i++)
        REFUSED(check_header_name, refused[i]);
    for (size_t i = 0; i < sizeof near / sizeof near[0]; i++)
        ALLOWED(check_header_name, near[i]);
}

static void header_values_are_visible_ascii_and_spaces(void **state)
{
    (void)state;
    ALLOWED(check_header_value, "");
    ALLOWED(check_header_value, "Bearer abc ~!\"\\");
    REFUSED(check_header_value, "a\tb");
    REFUSED(check_header_value, "a\r\nX: y");
    REFUSED(check_header_value, "\x7f");
    REFUSED(check_header_value, "caf\xc3\xa9");
    assert_non_null(check_header_value("a\0b", 3));
}

static void headers_are_at_most_fifty(void **state)
{
    (void)state;
    struct header_list headers = {0};
    assert_null(check_headers(&headers));
    char name[] = "X-00";
    for (int i = 0; i < 50; i++) {
        name[2] = (char)('0' + i / 10);
        name[3] = (char)('0' + i % 10);
        header_list_add(&headers, name, "v");
    }
    assert_null(check_headers(&headers));
    header_list_add(&headers, "X-50", "v");
    assert_non_null(check_headers(&headers));
    header_list_clear(&headers);
}

static void headers_have_at_most_8192_bytes_in_all(void **state)
{
    (void)state;
    struct header_list headers = {0};
    char *value = repeat("v", 8190);
    header_list_add(&headers, "X", value);
    assert_null(check_headers(&headers));
    header_list_add(&headers, "Y", "");
    assert_null(check_headers(&headers));
    header_list_add(&headers, "Z", "");
    assert_non_null(check_headers(&headers));
    header_list_clear(&headers);
    free(value);
}

static void header_names_are_unique_whatever_their_case(void **state)
{
    (void)state;
    struct header_list headers = {0};
    header_list_add(&headers, "X-Key", "1");
    header_list_add(&headers, "X-Other", "2");
    assert_null(check_headers(&headers));
    header_list_add(&headers, "x-kEY", "3");
    assert_non_null(check_headers(&headers));
    header_list_clear(&headers);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(names_are_not_blank_and_at_most_255_code_points),
        cmocka_unit_test(descriptions_have_at_most_1500_code_points),
        cmocka_unit_test(public_urls_are_allowed),
        cmocka_unit_test(special_addresses_are_refused_in_any_spelling),
        cmocka_unit_test(denied_ports_malformed_urls_and_plain_http_are_refused),
        cmocka_unit_test(event_filters_are_star_service_or_name),
        cmocka_unit_test(event_names_are_full_and_not_ours),
        cmocka_unit_test(trace_ids_have_1_to_128_of_their_alphabet),
        cmocka_unit_test(scope_ids_are_not_blank),
        cmocka_unit_test(header_names_are_tokens),
        cmocka_unit_test(header_names_of_the_connection_and_of_ours_are_refused),
        cmocka_unit_test(header_values_are_visible_ascii_and_spaces),
        cmocka_unit_test(headers_are_at_most_fifty),
        cmocka_unit_test(headers_have_at_most_8192_bytes_in_all),
        cmocka_unit_test(header_names_are_unique_whatever_their_case),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
