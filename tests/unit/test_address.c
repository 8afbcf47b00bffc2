/* Addresses: which are special, and that literals are read as the system reads them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#include "base/address.h"
#include "random_bits.h"

static struct address address_of(const char *text)
{
    struct address address;
    struct in_addr v4;
    if (inet_pton(AF_INET, text, &v4) == 1) {
        address_from_v4(ntohl(v4.s_addr), &address);
    } else {
        assert_int_equal(address_parse_v6(text, strlen(text), &address), STATUS_OK);
    }
    return address;
}

static void first_and_last_of_each_special_block_are_special(void **state)
{
    static const char *const special[] = {"0.0.0.0",
                                          "0.255.255.255",
                                          "10.0.0.0",
                                          "10.255.255.255",
                                          "100.64.0.0",
                                          "100.127.255.255",
                                          "127.0.0.0",
                                          "127.255.255.255",
                                          "169.254.0.0",
                                          "169.254.169.254",
                                          "169.254.255.255",
                                          "172.16.0.0",
                                          "172.31.255.255",
                                          "192.0.0.0",
                                          "192.0.0.255",
                                          "192.0.2.0",
                                          "192.0.2.255",
                                          "192.31.196.0",
                                          "192.31.196.255",
                                          "192.52.193.0",
                                          "192.52.193.255",
                                          "192.88.99.0",
                                          "192.88.99.255",
                                          "192.168.0.0",
                                          "192.168.255.255",
                                          "192.175.48.0",
                                          "192.175.48.255",
                                          "198.18.0.0",
                                          "198.19.255.255",
                                          "198.51.100.0",
                                          "198.51.100.255",
                                          "203.0.113.0",
                                          "203.0.113.255",
                                          "224.0.0.0",
                                          "239.255.255.255",
                                          "240.0.0.0",
                                          "255.255.255.255",
                                          "::",
                                          "::1",
                                          "::127.0.0.1",
                                          "::8.8.8.8",
                                          "64:ff9b::8.8.8.8",
                                          "64:ff9b::7f00:1",
                                          "64:ff9b:1::1",
                                          "100::1",
                                          "1fff:ffff::1",
                                          "2001::1",
                                          "2001:1ff:ffff::1",
                                          "2001:20::1",
                                          "2001:db8::",
                                          "2001:db8:ffff::1",
                                          "2002::1",
                                          "2002:7f00:1::1",
                                          "2002:ffff::1",
                                          "2620:4f:8000::",
                                          "2620:4f:8000:ffff::1",
                                          "3fff::1",
                                          "3fff:fff:ffff::1",
                                          "4000::1",
                                          "5f00::1",
                                          "fc00::1",
                                          "fdff::1",
                                          "fe80::1",
                                          "febf::1",
                                          "fec0::1",
                                          "ff02::1",
                                          "ffff::1",
                                          "::ffff:127.0.0.1",
                                          "::ffff:10.1.2.3",
                                          "::ffff:0:127.0.0.1"};
    (void)state;
    for (size_t i = 0; i < sizeof special / sizeof special[0]; i++) {
        struct address address = address_of(special[i]);
        if (!address_is_special(&address)) {
            fail_msg("%s is not special", special[i]);
        }
    }
}

static void neighbours_of_special_blocks_are_ordinary(void **state)
{
    static const char *const ordinary[] = {"1.0.0.0",
                                           "1.1.1.1",
                                           "8.8.8.8",
                                           "9.255.255.255",
                                           "11.0.0.0",
                                           "100.63.255.255",
                                           "100.128.0.0",
                                           "126.255.255.255",
                                           "128.0.0.0",
                                           "169.253.255.255",
                                           "169.255.0.0",
                                           "172.15.255.255",
                                           "172.32.0.0",
                                           "191.255.255.255",
                                           "192.0.1.0",
                                           "192.0.3.0",
                                           "192.31.195.255",
                                           "192.31.197.0",
                                           "192.52.192.255",
                                           "192.52.194.0",
                                           "192.88.98.255",
                                           "192.88.100.0",
                                           "192.167.255.255",
                                           "192.169.0.0",
                                           "192.175.47.255",
                                           "192.175.49.0",
                                           "198.17.255.255",
                                           "198.20.0.0",
                                           "198.51.99.255",
                                           "198.51.101.0",
                                           "203.0.112.255",
                                           "203.0.114.0",
                                           "223.255.255.255",
                                           "2000::1",
                                           "2000:ffff::1",
                                           "2001:200::1",
                                           "2001:4860:4860::8888",
                                           "2001:db7:ffff::1",
                                           "2001:db9::1",
                                           "2003::1",
                                           "2606:4700::1111",
                                           "2620:4f:7fff::1",
                                           "2620:4f:8001::1",
                                           "3ffe:ffff::1",
                                           "3fff:1000::1",
                                           "::ffff:8.8.8.8"};
    (void)state;
    for (size_t i = 0; i < sizeof ordinary / sizeof ordinary[0]; i++) {
        struct address address = address_of(ordinary[i]);
        if (address_is_special(&address)) {
            fail_msg("%s is special", ordinary[i]);
        }
    }
}

static void a_mapped_address_is_the_ipv4_address(void **state)
{
    (void)state;
    struct address mapped = address_of("::ffff:192.0.2.1");
    struct address plain = address_of("192.0.2.1");
    assert_memory_equal(mapped.bytes, plain.bytes, sizeof plain.bytes);
    assert_true(address_is_v4(&mapped));
    struct address v6 = address_of("2001:4860::1");
    assert_false(address_is_v4(&v6));
}

static void sockets_addresses_of_both_families_are_read(void **state)
{
    (void)state;
    struct address address;
    uint16_t port = 0;
    struct sockaddr_in v4 = {.sin_family = AF_INET, .sin_port = htons(8080)};
    assert_int_equal(inet_pton(AF_INET, "127.0.0.1", &v4.sin_addr), 1);
    assert_int_equal(address_from_sockaddr((const struct sockaddr *)&v4, &address, &port), STATUS_OK);
    struct address expected = address_of("127.0.0.1");
    assert_memory_equal(address.bytes, expected.bytes, sizeof expected.bytes);
    assert_int_equal(port, 8080);

    struct sockaddr_in6 v6 = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
    assert_int_equal(inet_pton(AF_INET6, "2001:db8::1", &v6.sin6_addr), 1);
    assert_int_equal(address_from_sockaddr((const struct sockaddr *)&v6, &address, &port), STATUS_OK);
    expected = address_of("2001:db8::1");
    assert_memory_equal(address.bytes, expected.bytes, sizeof expected.bytes);
    assert_int_equal(port, 443);

    struct sockaddr local = {.sa_family = AF_UNIX};
    assert_int_equal(address_from_sockaddr(&local, &address, &port), STATUS_INVALID);
}

static void literals_in_every_spelling_are_read(void **state)
{
    static const struct {
        const char *literal;
        const char *address;
    } rows[] = {
        {"127.0.0.1", "127.0.0.1"},
        {"127.0.0.1.", "127.0.0.1"},
        {"127.1", "127.0.0.1"},
        {"127.0.1", "127.0.0.1"},
        {"2130706433", "127.0.0.1"},
        {"0x7f000001", "127.0.0.1"},
        {"0X7F.1", "127.0.0.1"},
        {"0177.0.0.01", "127.0.0.1"},
        {"017700000001", "127.0.0.1"},
        {"0", "0.0.0.0"},
        {"4294967295", "255.255.255.255"},
        {"1.65535", "1.0.255.255"},
        {"1.16777215.", "1.255.255.255"},
        {"1.2.65535", "1.2.255.255"},
        {"00000000000000000000000001", "0.0.0.1"},
        {"[::1]", "::1"},
        {"[::ffff:127.0.0.1]", "127.0.0.1"},
        {"[2001:DB8::a]", "2001:db8::a"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct address address;
        struct address expected = address_of(rows[i].address);
        if (address_parse_literal(rows[i].literal, &address) != STATUS_OK ||
            memcmp(address.bytes, expected.bytes, sizeof expected.bytes) != 0) {
            fail_msg("%s is not read as %s", rows[i].literal, rows[i].address);
        }
    }
}

static void what_is_no_literal_is_a_name(void **state)
{
    static const char *const names[] = {"",
                                        ".",
                                        "..",
                                        "localhost",
                                        "1.2.3.4.5",
                                        "1.2.3.256",
                                        "256.1.1.1",
                                        "1.2.3.4..",
                                        "08",
                                        "0x",
                                        "0xg",
                                        "1..2",
                                        "4294967296",
                                        "1.16777216",
                                        "1.2.65536",
                                        "-1",
                                        "+1",
                                        "1.2.3.4a",
                                        "a1",
                                        " 1",
                                        "1 ",
                                        "[",
                                        "[]",
                                        "[::1",
                                        "::1",
                                        "[::1]x",
                                        "[::1%lo]",
                                        "[127.0.0.1]",
                                        "[::1]]",
                                        "[[::1]]",
                                        "99999999999999999999999999999"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct address address;
        if (address_parse_literal(names[i], &address) != STATUS_INVALID) {
            fail_msg("\"%s\" is read as a literal", names[i]);
        }
    }
}

/* Strings near the grammar: pieces of numbers in all bases, at their limits, with dots between. */
static void make_candidate(uint32_t *seed, char *out, size_t size)
{
    static const char *const pieces[] = {
        "0",        "1",        "7",          "8",          "9",   "f",    "F",    "x",    "0x",    "0X",
        ".",        ".",        ".",          "255",        "256", "0377", "0400", "0xff", "65535", "65536",
        "16777215", "16777216", "4294967295", "4294967296", "g",   "-",    "+",    "00",   "1.2.3", "127.1"};
    size_t length = 0;
    unsigned count = next_random(seed) % 8;
    out[0] = '\0';
    for (unsigned i = 0; i < count; i++) {
        const char *piece = pieces[next_random(seed) % (sizeof pieces / sizeof pieces[0])];
        length += (size_t)snprintf(out + length, size - length, "%s", piece);
    }
}

static void literals_agree_with_inet_aton(void **state)
{
    (void)state;
    uint32_t seed = 2463534242u;
    unsigned literals = 0;
    for (int i = 0; i < 200000; i++) {
        char text[160];
        char dotless[160];
        struct in_addr theirs;
        struct address ours;
        struct address expected;
        make_candidate(&seed, text, sizeof text);
        snprintf(dotless, sizeof dotless, "%s", text);
        size_t length = strlen(dotless);
        if (length > 1 && dotless[length - 1] == '.') {
            dotless[length - 1] = '\0';
        }
        bool is_literal = inet_aton(dotless, &theirs) != 0;
        if ((address_parse_literal(text, &ours) == STATUS_OK) != is_literal) {
            fail_msg("\"%s\": inet_aton %s it", text, is_literal ? "reads" : "refuses");
        }
        if (is_literal) {
            literals++;
            address_from_v4(ntohl(theirs.s_addr), &expected);
            assert_memory_equal(ours.bytes, expected.bytes, sizeof expected.bytes);
        }
    }
    assert_true(literals > 1000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(first_and_last_of_each_special_block_are_special),
        cmocka_unit_test(neighbours_of_special_blocks_are_ordinary),
        cmocka_unit_test(a_mapped_address_is_the_ipv4_address),
        cmocka_unit_test(sockets_addresses_of_both_families_are_read),
        cmocka_unit_test(literals_in_every_spelling_are_read),
        cmocka_unit_test(what_is_no_literal_is_a_name),
        cmocka_unit_test(literals_agree_with_inet_aton),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
