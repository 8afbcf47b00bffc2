/* Destination rules: how they are written, and what they exempt. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>

#include "base/address.h"

/* Whether a request to `host` (with this literal address, in URL form) passes under one rule (NULL: none). */
static bool passes(const char *rule_text, const char *host, const char *literal, uint16_t port)
{
    struct destination_rule rule = {0};
    struct address address;
    uint16_t denied[] = {22, 25};
    struct destination_policy policy = {.deny_ports = denied, .deny_port_count = 2};
    if (rule_text != NULL) {
        assert_int_equal(destination_rule_parse(rule_text, &rule), STATUS_OK);
        policy.allow = &rule;
        policy.allow_count = 1;
    }
    assert_int_equal(address_parse_literal(literal, &address), STATUS_OK);
    bool allowed = destination_is_allowed(&policy, host, &address, port);
    destination_rule_clear(&rule);
    return allowed;
}

static void without_rules_only_ordinary_addresses_pass(void **state)
{
    (void)state;
    assert_true(passes(NULL, "example.com", "8.8.8.8", 443));
    assert_true(passes(NULL, "example.com", "[2606:4700::1111]", 8080));
    assert_false(passes(NULL, "example.com", "127.0.0.1", 443));
    assert_false(passes(NULL, "example.com", "[::1]", 443));
    assert_false(passes(NULL, "localhost", "[::ffff:10.0.0.1]", 80));
}

static void a_block_exempts_its_addresses_alone(void **state)
{
    (void)state;
    assert_true(passes("127.0.0.0/8", "x", "127.9.9.9", 80));
    assert_false(passes("127.0.0.0/8", "x", "10.0.0.1", 80));
    assert_true(passes("127.9.9.9/8", "x", "127.0.0.1", 80));
    assert_true(passes("10.1.2.3", "x", "10.1.2.3", 80));
    assert_false(passes("10.1.2.3", "x", "10.1.2.4", 80));
    assert_true(passes("0.0.0.0/0", "x", "192.168.1.1", 80));
    assert_true(passes("10.0.0.128/25", "x", "10.0.0.200", 80));
    assert_false(passes("10.0.0.128/25", "x", "10.0.0.127", 80));
    assert_true(passes("::1", "x", "[::1]", 80));
    assert_true(passes("::1/128", "x", "[::1]", 80));
    assert_true(passes("[fd00::/8]", "x", "[fd12::1]", 80));
    assert_false(passes("[fd00::/8]", "x", "[fe80::1]", 80));
}

static void a_port_narrows_a_rule(void **state)
{
    (void)state;
    assert_true(passes("127.0.0.0/8:8080", "x", "127.0.0.1", 8080));
    assert_false(passes("127.0.0.0/8:8080", "x", "127.0.0.1", 8081));
    assert_true(passes("[::1/128]:8080", "x", "[::1]", 8080));
    assert_true(passes("[::1]:8080", "x", "[::1]", 8080));
    assert_false(passes("[::1/128]:8080", "x", "[::1]", 80));
    assert_true(passes("hooks.internal:8443", "hooks.internal", "10.0.0.1", 8443));
    assert_false(passes("hooks.internal:8443", "hooks.internal", "10.0.0.1", 443));
}

static void a_denied_port_wins_over_every_rule(void **state)
{
    (void)state;
    assert_false(passes("127.0.0.0/8", "x", "127.0.0.1", 22));
    assert_false(passes("127.0.0.0/8:25", "x", "127.0.0.1", 25));
    assert_false(passes(NULL, "example.com", "8.8.8.8", 22));
}

static void a_name_matches_whatever_its_case_and_root_dot(void **state)
{
    (void)state;
    assert_true(passes("Hooks.Internal", "hooks.INTERNAL", "10.0.0.1", 80));
    assert_true(passes("hooks.internal.", "hooks.internal", "10.0.0.1", 80));
    assert_true(passes("hooks.internal", "hooks.internal.", "10.0.0.1", 80));
    assert_false(passes("hooks.internal", "hooks.internal..", "10.0.0.1", 80));
    assert_false(passes("hooks.internal", "xhooks.internal", "10.0.0.1", 80));
    assert_false(passes("hooks.internal", "hooks.internal.example", "10.0.0.1", 80));
    assert_false(passes("hooks.internal", "hooks", "10.0.0.1", 80));
}

static void both_forms_of_ipv4_are_the_same(void **state)
{
    (void)state;
    assert_true(passes("127.0.0.0/8", "x", "[::ffff:127.0.0.1]", 80));
    assert_true(passes("[::ffff:127.0.0.0/104]", "x", "127.0.0.1", 80));
}

static void a_wide_ipv6_block_does_not_open_ipv4(void **state)
{
    (void)state;
    assert_true(passes("::/0", "x", "[::1]", 80));
    assert_false(passes("::/0", "x", "127.0.0.1", 80));
    assert_false(passes("::/64", "x", "[::ffff:10.0.0.1]", 80));
}

static void malformed_rules_are_refused(void **state)
{
    static const char *const bad[] = {
        "",
        ":",
        ":80",
        "127.0.0.1/33",
        "127.0.0.1/",
        "127.0.0.1/-1",
        "127.0.0.1/8x",
        "127.1",
        "0x7f000001",
        "010.0.0.1",
        "1.2.3.4:0",
        "1.2.3.4:",
        "1.2.3.4:65536",
        "1.2.3.4:8o",
        "1.2.3/24",
        "[::1",
        "::1]",
        "[::1]x",
        "[::1]:",
        "[::1/129]",
        "[]",
        "[10.0.0.1]",
        "[a.example]",
        "a..b",
        ".",
        "a b",
        "a_b",
        "*.example",
        "host/24",
        "http://x",
        "1.2.3.4.5",
        "::1%lo",
        "[::1]/128",
        "x:1:2",
        "[[::1]]",
        "::g",
        "1.2.3.4/8/8",
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        struct destination_rule rule;
        if (destination_rule_parse(bad[i], &rule) != STATUS_INVALID) {
            fail_msg("\"%s\" is taken", bad[i]);
        }
    }
}

static void a_rule_shows_what_it_says(void **state)
{
    (void)state;
    struct destination_rule rule;
    assert_int_equal(destination_rule_parse("Hooks.Example.:8443", &rule), STATUS_OK);
    assert_string_equal(rule.host, "hooks.example");
    assert_int_equal(rule.port, 8443);
    destination_rule_clear(&rule);
    assert_null(rule.host);
    assert_int_equal(destination_rule_parse("10.1.2.3/8", &rule), STATUS_OK);
    assert_null(rule.host);
    assert_int_equal(rule.prefix, 104);
    assert_int_equal(rule.address.bytes[12], 10);
    assert_int_equal(rule.address.bytes[13], 0);
    assert_int_equal(rule.port, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_rules_only_ordinary_addresses_pass),
        cmocka_unit_test(a_block_exempts_its_addresses_alone),
        cmocka_unit_test(a_port_narrows_a_rule),
        cmocka_unit_test(a_denied_port_wins_over_every_rule),
        cmocka_unit_test(a_name_matches_whatever_its_case_and_root_dot),
        cmocka_unit_test(both_forms_of_ipv4_are_the_same),
        cmocka_unit_test(a_wide_ipv6_block_does_not_open_ipv4),
        cmocka_unit_test(malformed_rules_are_refused),
        cmocka_unit_test(a_rule_shows_what_it_says),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
