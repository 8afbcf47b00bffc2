/* Hex, base64 with the vectors of RFC 4648, UTF-8. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/encoding.h"

static const struct {
    const char *plain, *text;
} vectors[] = {{"", ""},
               {"f", "Zg=="},
               {"fo", "Zm8="},
               {"foo", "Zm9v"},
               {"foob", "Zm9vYg=="},
               {"fooba", "Zm9vYmE="},
               {"foobar", "Zm9vYmFy"}};

static void base64_gives_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        char text[16], plain[8];
        size_t length;
        base64_encode(vectors[i].plain, strlen(vectors[i].plain), text);
        assert_string_equal(text, vectors[i].text);
        assert_int_equal(base64_decode(text, strlen(text), plain, sizeof plain, &length), STATUS_OK);
        assert_int_equal(length, strlen(vectors[i].plain));
        assert_memory_equal(plain, vectors[i].plain, length);
    }
}

static void base64url_has_its_own_digits_and_no_padding(void **state)
{
    (void)state;
    char text[16];
    base64url_encode("\xfb\xff\xfe\xff", 4, text);
    assert_string_equal(text, "-__-_w");
    base64_encode("\xfb\xff\xfe\xff", 4, text);
    assert_string_equal(text, "+//+/w==");
}

static void base64url_is_read_as_strictly_as_it_is_written(void **state)
{
    (void)state;
    static const char *const wrong[] = {"A", "AB", "AAB", "AA==", "+_8", "AAA=", "A A", "AAAAA"};
    unsigned char plain[8];
    size_t length = 99;
    assert_int_equal(base64url_decode("-__-_w", 6, plain, sizeof plain, &length), STATUS_OK);
    assert_int_equal(length, 4);
    assert_memory_equal(plain, "\xfb\xff\xfe\xff", 4);
    assert_int_equal(base64url_decode("", 0, plain, 0, &length), STATUS_OK);
    assert_int_equal(length, 0);
    assert_int_equal(base64url_decode("-__-_w", 6, plain, 3, &length), STATUS_INVALID);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(base64url_decode(wrong[i], strlen(wrong[i]), plain, sizeof plain, &length), STATUS_INVALID);
}

static void loose_base64_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"Zg",   "Zg=",   "Z===",     "====",     "=",    "Zh==", "Zm9=",
                                        "Zm 8", "Zm8\n", "Zg==Zg==", "Zm8=Zm8=", "Z-8_", "Zg=v", "Zm9vZg==="};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        char plain[16];
        size_t length;
        if (base64_decode(wrong[i], strlen(wrong[i]), plain, sizeof plain, &length) != STATUS_INVALID)
            fail_msg("%s", wrong[i]);
    }
    char plain[2];
    size_t length;
    assert_int_equal(base64_decode("Zm9v", 4, plain, sizeof plain, &length), STATUS_INVALID);
    assert_int_equal(base64_decode("Zm8=", 4, plain, sizeof plain, &length), STATUS_OK);
}

static void hex_is_lower_case_alone(void **state)
{
    (void)state;
    char text[9];
    unsigned char bytes[4];
    hex_encode("\x00\x1f\xa0\xff", 4, text);
    assert_string_equal(text, "001fa0ff");
    assert_int_equal(hex_decode(text, bytes, 4), STATUS_OK);
    assert_memory_equal(bytes, "\x00\x1f\xa0\xff", 4);
    assert_int_equal(hex_decode("0A", bytes, 1), STATUS_INVALID);
    assert_int_equal(hex_decode("0g", bytes, 1), STATUS_INVALID);
    assert_int_equal(hex_decode("0", bytes, 1), STATUS_INVALID);
    assert_int_equal(hex_decode("", bytes, 1), STATUS_INVALID);
}

static void valid_utf8_passes(void **state)
{
    (void)state;
    static const char *const right[] = {"",
                                        "plain",
                                        "\xc2\x80",
                                        "\xdf\xbf",
                                        "\xe0\xa0\x80",
                                        "\xed\x9f\xbf",
                                        "\xee\x80\x80",
                                        "\xef\xbf\xbf",
                                        "\xf0\x90\x80\x80",
                                        "\xf4\x8f\xbf\xbf"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_true(utf8_is_valid(right[i], strlen(right[i])));
    assert_true(utf8_is_valid("a\0b", 3));
    assert_int_equal(utf8_length("a\xc3\xa9\xf0\x9f\x98\x80", 7), 3);
}

static void invalid_utf8_is_noticed(void **state)
{
    (void)state;
    static const char *const wrong[] = {"\x80",
                                        "\xc2",
                                        "\xc2 ",
                                        "\xc0\x80",
                                        "\xc1\xbf",
                                        "\xe0\x9f\xbf",
                                        "\xed\xa0\x80",
                                        "\xed\xbf\xbf",
                                        "\xe1\x80",
                                        "\xe1\x80 ",
                                        "\xf0\x8f\xbf\xbf",
                                        "\xf4\x90\x80\x80",
                                        "\xf5\x80\x80\x80",
                                        "\xff",
                                        "a\xfe",
                                        "\xf1\x80\x80"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (utf8_is_valid(wrong[i], strlen(wrong[i])))
            fail_msg("number %zu", i);
}

static void what_is_no_utf8_is_mended_byte_by_byte(void **state)
{
    (void)state;
    static const struct {
        const char *from, *to;
    } cases[] = {{"", ""},
                 {"a\xc3\xa4\xf0\x9f\x98\x80", "a\xc3\xa4\xf0\x9f\x98\x80"},
                 {"a\xff"
                  "b",
                  "a\xef\xbf\xbd"
                  "b"},
                 {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
                 {"cut \xf0\x9f\x98", "cut \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct buf out = {0};
        utf8_mend(slice_of(cases[i].from), &out);
        assert_string_equal(buf_text(&out), cases[i].to);
        buf_clear(&out);
    }
    struct buf out = {0};
    utf8_mend((struct slice){"a\0b", 3}, &out);
    assert_int_equal(out.length, 3);
    assert_memory_equal(out.data, "a\0b", 3);
    buf_clear(&out);
}

static void white_space_alone_is_blank(void **state)
{
    (void)state;
    static const char blank[] = " \t\r\n\xc2\xa0\xe2\x80\x83\xe3\x80\x80";
    assert_true(utf8_is_blank("", 0));
    assert_true(utf8_is_blank(blank, strlen(blank)));
    assert_false(utf8_is_blank("  x", 3));
    assert_false(utf8_is_blank("\xe2\x80\x8b", 3)); /* zero width space has not the property */
}

static void a_printable_character_has_a_size_and_others_none(void **state)
{
    (void)state;
    assert_int_equal(utf8_printable_size("ab", 2), 1);
    assert_int_equal(utf8_printable_size(" ", 1), 1);
    assert_int_equal(utf8_printable_size("\xc3\xb6", 2), 2);
    assert_int_equal(utf8_printable_size("\xc2\xa0", 2), 2);
    assert_int_equal(utf8_printable_size("\xf0\x9f\x98\x80", 4), 4);
    static const char *const others[] = {"",     "\n",       "\x1b",     "\x7f",        "\xff",
                                         "\xc3", "\xc2\x80", "\xc2\x9f", "\xed\xa0\x80"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(utf8_printable_size(others[i], strlen(others[i])), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(base64_gives_the_vectors_of_the_rfc),
        cmocka_unit_test(base64url_has_its_own_digits_and_no_padding),
        cmocka_unit_test(base64url_is_read_as_strictly_as_it_is_written),
        cmocka_unit_test(loose_base64_is_refused),
        cmocka_unit_test(hex_is_lower_case_alone),
        cmocka_unit_test(valid_utf8_passes),
        cmocka_unit_test(invalid_utf8_is_noticed),
        cmocka_unit_test(what_is_no_utf8_is_mended_byte_by_byte),
        cmocka_unit_test(white_space_alone_is_blank),
        cmocka_unit_test(a_printable_character_has_a_size_and_others_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
