/* API keys: form, life and scopes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/api_key.h"

static void made_keys_have_the_form_and_differ(void **state)
{
    (void)state;
    char a[API_KEY_TEXT], b[API_KEY_TEXT];
    api_key_make(a);
    api_key_make(b);
    assert_int_equal(strlen(a), 46);
    assert_true(api_key_has_form(a, 46));
    assert_string_not_equal(a, b);
}

static bool has_form(const char *text)
{
    return api_key_has_form(text, strlen(text));
}

static void only_the_form_is_the_form(void **state)
{
    (void)state;
    static const char good[] = "hk_0123456789abcdefghijABCDEFGHIJ0123456789-_z";
    assert_true(has_form(good));
    assert_true(api_key_has_form(good, API_KEY_MIN));
    assert_false(api_key_has_form(good, API_KEY_MIN - 1));
    assert_true(has_form("0123456789abcdefghijABCDEFGHIJ012345678.~+/"));
    assert_true(has_form("0123456789abcdefghijABCDEFGHIJ012345678901=="));
    assert_false(has_form("0123456789abcdefghijABCDEFGHIJ0123456789=1"));
    assert_false(has_form("========================================"));
    assert_false(has_form("hk_0123456789abcdefghijABCDEFGHIJ0123456789,_z"));
    assert_false(has_form("hk_0123456789abcdefghijABCDEFGHIJ0123456789 _z"));
    assert_false(has_form("hk_0123456789abcdefghijABCDEFGHIJ0123456789\xc3\xbcz"));
    assert_false(api_key_has_form("hk_0123456789abcdefghijABCDEFGHIJ0123456789\0_z", 46));
    assert_false(api_key_has_form("", 0));
    char longest[API_KEY_MAX + 2];
    memset(longest, 'x', sizeof longest);
    assert_true(api_key_has_form(longest, API_KEY_MAX));
    assert_false(api_key_has_form(longest, API_KEY_MAX + 1));
}

static void a_key_that_can_be_guessed_may_not_be_chosen(void **state)
{
    static const char *const weak[] = {
        "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",     "abcabcabcabcabcabcabcabcabcabcabcabcabcabcabc",
        "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrst",   "passwordpasswordpasswordpasswordpassword",
        "0123456789012345678901234567890123456789",         "1111111111111111111111222222222222222233333",
        "MySecretKey-MySecretKey-MySecretKey-MySecretKey-",
    };
    (void)state;
    for (size_t i = 0; i < sizeof weak / sizeof weak[0]; i++) {
        assert_true(has_form(weak[i]));
        assert_non_null(api_key_fault(weak[i], strlen(weak[i])));
    }
    for (int i = 0; i < 1000; i++) {
        char made[API_KEY_TEXT];
        api_key_make(made);
        assert_null(api_key_fault(made, strlen(made)));
        unsigned char random[20];
        char hex[2 * sizeof random + 1];
        crypto_random(random, sizeof random);
        for (size_t at = 0; at < sizeof random; at++)
            snprintf(hex + 2 * at, 3, "%02x", random[at]);
        assert_null(api_key_fault(hex, strlen(hex)));
    }
}

static void a_key_lives_until_it_expires_or_is_revoked(void **state)
{
    (void)state;
    struct api_key key = {.created_at_ms = 1000};
    assert_true(api_key_is_valid(&key, INT64_MAX));
    key.expires_at_ms = 5000;
    assert_true(api_key_is_valid(&key, 4999));
    assert_false(api_key_is_valid(&key, 5000));
    key.revoked_at_ms = 4000;
    assert_false(api_key_is_valid(&key, 4500));
    assert_false(api_key_is_valid(&key, 3999)); /* a clock that steps back brings no key to life */
}

static void manage_includes_read_and_nothing_else_includes_anything(void **state)
{
    (void)state;
    struct api_key key = {.scopes = API_SCOPE_MANAGE};
    assert_true(api_key_may(&key, API_SCOPE_MANAGE));
    assert_true(api_key_may(&key, API_SCOPE_READ));
    assert_false(api_key_may(&key, API_SCOPE_PUBLISH));
    assert_false(api_key_may(&key, API_SCOPE_OPERATE));
    key.scopes = API_SCOPE_READ | API_SCOPE_PUBLISH | API_SCOPE_OPERATE;
    assert_false(api_key_may(&key, API_SCOPE_MANAGE));
    key.scopes = API_SCOPE_PUBLISH;
    assert_false(api_key_may(&key, API_SCOPE_READ));
    key.scopes = 0;
    assert_false(api_key_may(&key, API_SCOPE_READ));
}

static void scopes_are_read_in_any_order(void **state)
{
    (void)state;
    assert_int_equal(api_scopes_parse("manage"), API_SCOPE_MANAGE);
    assert_int_equal(api_scopes_parse("publish,manage,read"), API_SCOPE_MANAGE | API_SCOPE_READ | API_SCOPE_PUBLISH);
    assert_int_equal(api_scopes_parse("operate,operate"), API_SCOPE_OPERATE);
}

static void a_wrong_word_refuses_all_scopes(void **state)
{
    (void)state;
    static const char *const texts[] = {"",     ",",     "read,",      ",read", "read,,publish", "read, publish",
                                        "Read", "admin", "read,admin", "rea",   "readx"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(api_scopes_parse(texts[i]), 0);
}

static void add_word(void *context, const char *word)
{
    buf_append_text(context, word);
    buf_append_text(context, ";");
}

static void scopes_are_told_in_a_fixed_order(void **state)
{
    (void)state;
    struct buf words = {0};
    api_scopes_each(API_SCOPE_OPERATE | API_SCOPE_PUBLISH | API_SCOPE_READ | API_SCOPE_MANAGE, add_word, &words);
    assert_string_equal(buf_text(&words), "manage;read;publish;operate;");
    buf_reset(&words);
    api_scopes_each(0, add_word, &words);
    assert_string_equal(buf_text(&words), "");
    buf_clear(&words);
}

static void clearing_leaves_nothing(void **state)
{
    (void)state;
    struct api_key key = {.created_user_id = mem_strdup("u"), .name = mem_strdup("n"), .scopes = 1};
    api_key_clear(&key);
    assert_null(key.name);
    assert_int_equal(key.scopes, 0);
    api_key_clear(&key);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_keys_have_the_form_and_differ),
        cmocka_unit_test(only_the_form_is_the_form),
        cmocka_unit_test(a_key_that_can_be_guessed_may_not_be_chosen),
        cmocka_unit_test(a_key_lives_until_it_expires_or_is_revoked),
        cmocka_unit_test(manage_includes_read_and_nothing_else_includes_anything),
        cmocka_unit_test(scopes_are_read_in_any_order),
        cmocka_unit_test(a_wrong_word_refuses_all_scopes),
        cmocka_unit_test(scopes_are_told_in_a_fixed_order),
        cmocka_unit_test(clearing_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
