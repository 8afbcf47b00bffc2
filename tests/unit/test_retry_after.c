/* The Retry-After header in all the forms that a receiver may send. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/delivery.h"

#define DAY_MS INT64_C(86400000)
/* Sun, 06 Nov 1994 08:49:37 GMT, the date of RFC 9110's own examples, and 2026-06-12T10:15:00Z. */
#define EXAMPLE_MS INT64_C(784111777000)
#define NOW_MS INT64_C(1781259300000)

static int64_t parse(const char *text, int64_t now_ms)
{
    return retry_after_parse(text, strlen(text), now_ms);
}

static void seconds_are_read_and_bounded_to_a_day(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } rows[] = {
        {"0", 0},
        {"1", 1000},
        {"120", 120000},
        {"007", 7000},
        {"86399", DAY_MS - 1000},
        {"86400", DAY_MS},
        {"86401", DAY_MS},
        {"99999999999999999999999999999999999999", DAY_MS},
        {"18446744073709551617", DAY_MS},
        {"000000000000000000000000000000000000005", 5000},
        {" \t30 \t", 30000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(parse(rows[i].text, NOW_MS), rows[i].ms);
}

static void the_three_forms_of_a_date_mean_the_same(void **state)
{
    (void)state;
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        assert_int_equal(parse(forms[i], EXAMPLE_MS - 90000), 90000);
        assert_int_equal(parse(forms[i], EXAMPLE_MS - 1), 1);
        assert_int_equal(parse(forms[i], EXAMPLE_MS), 0);
        assert_int_equal(parse(forms[i], EXAMPLE_MS - 3 * DAY_MS), DAY_MS);
    }
}

static void a_past_date_is_now(void **state)
{
    (void)state;
    assert_int_equal(parse("Fri, 12 Jun 2026 10:14:59 GMT", NOW_MS), 0);
    assert_int_equal(parse("Thu, 01 Jan 1970 00:00:00 GMT", NOW_MS), 0);
    assert_int_equal(parse("Sat, 01 Jan 0000 00:00:00 GMT", NOW_MS), 0);
}

static void other_dates_are_placed_right(void **state)
{
    (void)state;
    assert_int_equal(parse("Fri, 12 Jun 2026 10:15:30 GMT", NOW_MS), 30000);
    assert_int_equal(parse("Fri Jun 12 10:15:30 2026", NOW_MS), 30000);
    assert_int_equal(parse("Fri, 31 Dec 9999 23:59:59 GMT", NOW_MS), DAY_MS);
    assert_int_equal(parse("Thu, 29 Feb 2024 00:00:01 GMT", INT64_C(1709164800000)), 1000);
    assert_int_equal(parse("Sat, 31 Dec 2016 23:59:60 GMT", INT64_C(1483228799000)), 1000);
}

static void two_digits_of_a_year_lie_at_most_fifty_years_ahead(void **state)
{
    (void)state;
    assert_int_equal(parse("Friday, 12-Jun-26 10:15:05 GMT", NOW_MS), 5000);
    assert_int_equal(parse("Tuesday, 12-Jun-75 10:15:05 GMT", NOW_MS), DAY_MS);
    assert_int_equal(parse("Sunday, 12-Jun-77 10:15:05 GMT", NOW_MS), 0);
    assert_int_equal(parse("Saturday, 01-Jan-00 00:00:10 GMT", INT64_C(946684800000)), 10000);
    assert_int_equal(parse("Saturday, 01-Jan-00 00:00:10 GMT", INT64_C(946684795000)), 15000);
}

static void anything_else_is_not_a_retry_after(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        " ",
        "soon",
        "-1",
        "+1",
        "1.5",
        "1e3",
        "0x10",
        "10 s",
        "1 2",
        "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 GMT+1",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "sun, 06 nov 1994 08:49:37 gmt",
        "Sun, 6 Nov 1994 08:49:37 GMT",
        "Sun, 00 Nov 1994 08:49:37 GMT",
        "Thu, 31 Nov 1994 08:49:37 GMT",
        "Wed, 29 Feb 2023 00:00:00 GMT",
        "Thu, 29 Feb 1900 00:00:00 GMT",
        "Sun, 06 Nov 1994 24:00:00 GMT",
        "Sun, 06 Nov 1994 08:60:00 GMT",
        "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Non 1994 08:49:37 GMT",
        "Sun, 06-Nov-94 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT",
        "Sun Nov 6 08:49:37 1994",
        "Sun Nov  6 08:49:37 1994 GMT",
        "Sun Nov",
        "Sun,",
        "2026-06-12T10:15:00Z",
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        assert_int_equal(parse(texts[i], NOW_MS), -1);
    assert_int_equal(retry_after_parse("5\0", 2, NOW_MS), -1);
    assert_int_equal(retry_after_parse(NULL, 0, NOW_MS), -1);
}

/* Each start of a valid text, in memory of exactly that size: nothing behind it may be read. */
static void no_byte_behind_the_text_is_read(void **state)
{
    (void)state;
    static const char *const forms[] = {"Sun, 06 Nov 1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37 GMT",
                                        "Sun Nov  6 08:49:37 1994"};
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        for (size_t length = 1; length < strlen(forms[i]); length++) {
            char *exact = malloc(length);
            assert_non_null(exact);
            memcpy(exact, forms[i], length);
            assert_int_equal(retry_after_parse(exact, length, NOW_MS), -1);
            free(exact);
        }
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(seconds_are_read_and_bounded_to_a_day),
        cmocka_unit_test(the_three_forms_of_a_date_mean_the_same),
        cmocka_unit_test(a_past_date_is_now),
        cmocka_unit_test(other_dates_are_placed_right),
        cmocka_unit_test(two_digits_of_a_year_lie_at_most_fifty_years_ahead),
        cmocka_unit_test(anything_else_is_not_a_retry_after),
        cmocka_unit_test(no_byte_behind_the_text_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
