/* A subscription's memory, its scope, its ETag, and its sealed headers. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include <stdio.h>

#include "base/keyring.h"
#include "base/mem.h"
#include "model/subscription.h"
#include "keyring_fixture.h"

static struct subscription subscription_of(const char *id)
{
    struct subscription subscription = {0};
    assert_int_equal(object_id_parse(id, &subscription.id), STATUS_OK);
    return subscription;
}

static void lists_keep_what_was_added_in_order(void **state)
{
    (void)state;
    struct text_list list = {0};
    char text[16];
    for (int i = 0; i < 500; i++)
        text_list_add(&list, text, (size_t)snprintf(text, sizeof text, "text %d", i));
    text_list_add(&list, "cut here", 3);
    assert_int_equal(list.count, 501);
    assert_string_equal(list.items[0], "text 0");
    assert_string_equal(list.items[499], "text 499");
    assert_string_equal(list.items[500], "cut");
    text_list_clear(&list);
    assert_null(list.items);
    assert_int_equal(list.count, 0);
}

static void a_copy_of_a_list_equals_it_until_one_changes(void **state)
{
    (void)state;
    struct text_list list = {0}, copy = {0};
    assert_true(text_list_equals(&list, &copy));
    text_list_add(&copy, "was there", 9);
    assert_false(text_list_equals(&list, &copy));
    text_list_add(&list, "a", 1);
    text_list_add(&list, "b", 1);
    text_list_copy(&list, &copy);
    assert_int_equal(copy.count, 2);
    assert_true(text_list_equals(&list, &copy));
    copy.items[1][0] = 'c';
    assert_false(text_list_equals(&list, &copy));
    text_list_clear(&copy);
    text_list_add(&copy, "b", 1);
    text_list_add(&copy, "a", 1);
    assert_false(text_list_equals(&list, &copy));
    text_list_clear(&copy);
    text_list_clear(&list);
}

static void the_scope_follows_from_the_ids(void **state)
{
    (void)state;
    struct subscription subscription = {0};
    assert_int_equal(subscription_scope(&subscription), SCOPE_ORGANIZATION);
    text_list_add(&subscription.workspace_ids, "w", 1);
    assert_int_equal(subscription_scope(&subscription), SCOPE_WORKSPACE);
    text_list_clear(&subscription.workspace_ids);
    text_list_add(&subscription.agent_ids, "a", 1);
    assert_int_equal(subscription_scope(&subscription), SCOPE_AGENT);
    subscription_clear(&subscription);
}

static void the_etag_changes_with_version_and_windows(void **state)
{
    (void)state;
    struct subscription subscription = {.version = 7};
    char etag[SUBSCRIPTION_ETAG];
    subscription_etag(&subscription, 1000, etag);
    assert_string_equal(etag, "\"7-0\"");
    subscription.secrets.count = 2;
    subscription.secrets.items[1].expires_at_ms = 2000;
    subscription_etag(&subscription, 1999, etag);
    assert_string_equal(etag, "\"7-1\"");
    subscription_etag(&subscription, 2000, etag);
    assert_string_equal(etag, "\"7-0\"");
    subscription.version = UINT64_MAX;
    subscription_etag(&subscription, 1999, etag);
    assert_string_equal(etag, "\"18446744073709551615-1\"");
}

static void sealed_headers_come_back_in_order(void **state)
{
    struct subscription subscription = subscription_of("0192f3c4d5e6f708192a3b4c");
    struct header_list headers = {0}, opened = {0};
    header_list_add(&headers, "Authorization", "Bearer very-secret");
    header_list_add(&headers, "X-Empty", "");
    header_list_add(&headers, "A", "last");
    subscription_seal_headers(&subscription, *state, &headers);
    assert_null(memmem(subscription.sealed_headers.data, subscription.sealed_headers.length, "very-secret", 11));
    assert_int_equal(subscription_unseal_headers(&subscription, *state, &opened), STATUS_OK);
    assert_int_equal(opened.count, 3);
    assert_string_equal(opened.items[0].name, "Authorization");
    assert_string_equal(opened.items[0].value, "Bearer very-secret");
    assert_string_equal(opened.items[1].value, "");
    assert_string_equal(opened.items[2].name, "A");
    header_list_clear(&headers);
    header_list_clear(&opened);
    subscription_clear(&subscription);
}

static void no_headers_are_an_empty_blob(void **state)
{
    struct subscription subscription = subscription_of("0192f3c4d5e6f708192a3b4c");
    struct header_list headers = {0}, opened = {0};
    header_list_add(&headers, "A", "b");
    subscription_seal_headers(&subscription, *state, &headers);
    header_list_clear(&headers);
    subscription_seal_headers(&subscription, *state, &headers); /* replaces */
    assert_int_equal(subscription.sealed_headers.length, 0);
    assert_int_equal(subscription_unseal_headers(&subscription, *state, &opened), STATUS_OK);
    assert_int_equal(opened.count, 0);
    subscription_clear(&subscription);
}

static void headers_of_another_subscription_do_not_open(void **state)
{
    struct subscription mine = subscription_of("0192f3c4d5e6f708192a3b4c");
    struct subscription other = subscription_of("0192f3c4d5e6f708192a3b4d");
    struct header_list headers = {0}, opened = {0};
    header_list_add(&headers, "A", "b");
    subscription_seal_headers(&mine, *state, &headers);
    buf_append_slice(&other.sealed_headers, buf_slice(&mine.sealed_headers));
    assert_int_equal(subscription_unseal_headers(&other, *state, &opened), STATUS_CORRUPT);
    assert_int_equal(opened.count, 0);
    header_list_clear(&headers);
    subscription_clear(&mine);
    subscription_clear(&other);
}

static void sealed_bytes_that_are_no_headers_are_corrupt(void **state)
{
    static const struct slice plains[] = {
        {"", 0},
        {"\1", 1},
        {"\1\0\0\0\1", 5},
        {"\1\0\0\0\1\0\0\0\1A", 10},
        {"\1\0\0\0\0x", 6},
        {"\0\0\0\0\0", 5},
        {"\1\377\377\377\377\0\0\0\1A\0\0\0\1b", 15},
    };
    for (size_t i = 0; i < sizeof plains / sizeof plains[0]; i++) {
        struct subscription subscription = subscription_of("0192f3c4d5e6f708192a3b4c");
        struct header_list opened = {0};
        keyring_seal(*state, slice_of("0192f3c4d5e6f708192a3b4c"), plains[i], &subscription.sealed_headers);
        assert_int_equal(subscription_unseal_headers(&subscription, *state, &opened), STATUS_CORRUPT);
        subscription_clear(&subscription);
    }
}

static void clearing_leaves_nothing_and_may_be_repeated(void **state)
{
    (void)state;
    struct subscription subscription = subscription_of("0192f3c4d5e6f708192a3b4c");
    subscription.name = mem_strdup("n");
    subscription.url = mem_strdup("https://example.com/?token=x");
    subscription.secrets.count = 1;
    buf_append_text(&subscription.secrets.items[0].sealed, "x");
    subscription_clear(&subscription);
    static const struct subscription empty;
    assert_memory_equal(&subscription, &empty, sizeof empty);
    subscription_clear(&subscription);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lists_keep_what_was_added_in_order),
        cmocka_unit_test(a_copy_of_a_list_equals_it_until_one_changes),
        cmocka_unit_test(the_scope_follows_from_the_ids),
        cmocka_unit_test(the_etag_changes_with_version_and_windows),
        cmocka_unit_test(sealed_headers_come_back_in_order),
        cmocka_unit_test(no_headers_are_an_empty_blob),
        cmocka_unit_test(headers_of_another_subscription_do_not_open),
        cmocka_unit_test(sealed_bytes_that_are_no_headers_are_corrupt),
        cmocka_unit_test(clearing_leaves_nothing_and_may_be_repeated),
    };
    return cmocka_run_group_tests(tests, keyring_fixture_open, keyring_fixture_close);
}
