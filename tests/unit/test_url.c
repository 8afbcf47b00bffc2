/* URLs: what is taken, what is refused, and that every refusal says why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <string.h>

#include "base/url.h"
#include "random_bits.h"

static void allowed_urls_are_taken_apart(void **state)
{
    static const struct {
        const char *text;
        const char *host;
        bool is_https;
        uint16_t port;
    } rows[] = {
        {"https://example.com", "example.com", true, 443},
        {"http://example.com/", "example.com", false, 80},
        {"http://example.com?x=1", "example.com", false, 80},
        {"https://Example.COM:8443/a/b?c=d&e=%20", "example.com", true, 8443},
        {"https://example.com./", "example.com.", true, 443},
        {"http://a-b.c1:1/", "a-b.c1", false, 1},
        {"http://host:65535", "host", false, 65535},
        {"http://host:080/", "host", false, 80},
        {"http://127.0.0.1/", "127.0.0.1", false, 80},
        {"http://0x7f.1/", "0x7f.1", false, 80},
        {"http://1.2.3.4./", "1.2.3.4.", false, 80},
        {"http://[::1]/", "[::1]", false, 80},
        {"https://[2001:DB8::A]:8443", "[2001:db8::a]", true, 8443},
        {"https://h/@x", "h", true, 443},
        {"https://h/a:b[c]{d}|^`\"<>'", "h", true, 443},
        {"https://h?a/b@c:d", "h", true, 443},
        {"https://xn--bcher-kva.example/", "xn--bcher-kva.example", true, 443},
        {"https://1.example/", "1.example", true, 443},
        {"https://a.0xg/", "a.0xg", true, 443},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct url url;
        const char *message = NULL;
        if (url_parse(rows[i].text, strlen(rows[i].text), &url, &message) != STATUS_OK) {
            fail_msg("%s: %s", rows[i].text, message);
        }
        assert_string_equal(url.host, rows[i].host);
        assert_int_equal(url.is_https, rows[i].is_https);
        assert_int_equal(url.port, rows[i].port);
    }
}

static void refused_urls_get_a_reason(void **state)
{
    static const struct {
        const char *text;
        const char *reason; /* part of the message */
    } rows[] = {
        {"", "begin with"},
        {"ftp://example.com/", "begin with"},
        {"HTTP://example.com/", "begin with"},
        {"http:/example.com/", "begin with"},
        {"//example.com/", "begin with"},
        {"http://", "missing"},
        {"http:///path", "missing"},
        {"http://?x", "missing"},
        {"http://:80/", "missing"},
        {"http://host:/", "port"},
        {"http://host:0/", "port"},
        {"http://host:65536/", "port"},
        {"http://host:99999999999999999999/", "port"},
        {"http://host:80a/", "port"},
        {"http://host:+80/", "port"},
        {"http://a:80:90/", "port"},
        {"http://[::1]:/", "port"},
        {"http://user@host/", "user name"},
        {"http://user:pw@host/", "user name"},
        {"http://host/#top", "fragment"},
        {"http://host#", "fragment"},
        {"http://ho st/", "spaces"},
        {"http://host/a b", "spaces"},
        {" http://host/", "spaces"},
        {"http://host/\n", "spaces"},
        {"http://host\\@evil/", "backslashes"},
        {"http://h\xc3\xb6st/", "non-ASCII"},
        {"http://host/\x7f", "control"},
        {"http://ho%73t/", "letters"},
        {"http://a_b/", "letters"},
        {"http://a,b/", "letters"},
        {"http://a..b/", "1 to 63"},
        {"http://.a/", "1 to 63"},
        {"http://./", "1 to 63"},
        {"http://a../", "1 to 63"},
        {"http://1.2.3.4.5/", "number"},
        {"http://999.1.1.1/", "number"},
        {"http://a.08/", "number"},
        {"http://a.0x/", "number"},
        {"http://a.0XfF./", "number"},
        {"http://4294967296/", "number"},
        {"http://[::1/", "brackets"},
        {"http://[::1]x/", "brackets"},
        {"http://[::1%25lo]/", "brackets"},
        {"http://[fe80::1%lo]/", "brackets"},
        {"http://[127.0.0.1]/", "brackets"},
        {"http://[]/", "brackets"},
        {"http://::1/", "missing"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct url url;
        const char *message = NULL;
        if (url_parse(rows[i].text, strlen(rows[i].text), &url, &message) != STATUS_INVALID) {
            fail_msg("%s is taken", rows[i].text);
        }
        if (strstr(message, rows[i].reason) == NULL) {
            fail_msg("%s: %s", rows[i].text, message);
        }
    }
}

static void an_embedded_nul_is_refused(void **state)
{
    (void)state;
    struct url url;
    const char *message = NULL;
    assert_int_equal(url_parse("http://a\0.b/", 12, &url, &message), STATUS_INVALID);
    assert_non_null(strstr(message, "control"));
}

/* "http://" + host of `length` bytes in labels of at most `label` + `tail`. */
static enum status parse_long(size_t length, size_t label, const char *tail)
{
    char text[4096] = "http://";
    struct url url;
    const char *message = NULL;
    for (size_t i = 0; i < length; i++) {
        text[7 + i] = i % (label + 1) == label ? '.' : 'a';
    }
    snprintf(text + 7 + length, sizeof text - 7 - length, "%s", tail);
    return url_parse(text, strlen(text), &url, &message);
}

static void lengths_are_bounded(void **state)
{
    char path[URL_MAX_BYTES + 1];
    (void)state;
    assert_int_equal(parse_long(63, 63, "/"), STATUS_OK);
    assert_int_equal(parse_long(64, 64, "/"), STATUS_INVALID);
    assert_int_equal(parse_long(253, 50, "/"), STATUS_OK);
    assert_int_equal(parse_long(254, 50, "/"), STATUS_INVALID);
    assert_int_equal(parse_long(1000, 50, "/"), STATUS_INVALID);
    memset(path, 'p', sizeof path);
    path[0] = '/';
    path[URL_MAX_BYTES - 11] = '\0';
    assert_int_equal(parse_long(4, 63, path), STATUS_OK);
    path[URL_MAX_BYTES - 11] = 'p';
    path[URL_MAX_BYTES - 10] = '\0';
    assert_int_equal(parse_long(4, 63, path), STATUS_INVALID);
}

static void whatever_comes_is_taken_or_refused_with_a_reason(void **state)
{
    static const char alphabet[] = "ab.:/?@[]#%0x19-\\ \x00\x80";
    uint32_t seed = 88172645u;
    (void)state;
    for (int i = 0; i < 100000; i++) {
        char text[48] = "http://";
        struct url url;
        const char *message = NULL;
        size_t length = 7 + next_random(&seed) % (sizeof text - 7);
        for (size_t at = 7; at < length; at++) {
            text[at] = alphabet[next_random(&seed) % (sizeof alphabet - 1)];
        }
        if (url_parse(text, length, &url, &message) == STATUS_OK) {
            assert_int_not_equal(url.port, 0);
            assert_null(memchr(text, '\0', length));
            assert_non_null(strstr(text, url.host));
        } else {
            assert_non_null(message);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(allowed_urls_are_taken_apart),
        cmocka_unit_test(refused_urls_get_a_reason),
        cmocka_unit_test(an_embedded_nul_is_refused),
        cmocka_unit_test(lengths_are_bounded),
        cmocka_unit_test(whatever_comes_is_taken_or_refused_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
