/* RFC 3339 times, durations and sizes. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/timestamp.h"

static const struct {
    int64_t time_ms;
    const char *text;
} moments[] = {
    {0, "1970-01-01T00:00:00.000Z"},
    {1, "1970-01-01T00:00:00.001Z"},
    {-1, "1969-12-31T23:59:59.999Z"},
    {INT64_C(951782400000), "2000-02-29T00:00:00.000Z"},
    {INT64_C(1781259300000), "2026-06-12T10:15:00.000Z"},
    {INT64_C(4107542400000), "2100-03-01T00:00:00.000Z"},
    {INT64_C(-62167219200000), "0000-01-01T00:00:00.000Z"},
    {INT64_C(253402300799999), "9999-12-31T23:59:59.999Z"},
};

static void known_moments_are_written_and_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof moments / sizeof moments[0]; i++) {
        char text[TIMESTAMP_SIZE];
        int64_t time_ms;
        timestamp_format(moments[i].time_ms, text);
        assert_string_equal(text, moments[i].text);
        assert_int_equal(timestamp_parse(text, &time_ms), STATUS_OK);
        assert_int_equal(time_ms, moments[i].time_ms);
    }
}

static void every_day_of_many_years_goes_round(void **state)
{
    (void)state;
    for (int64_t day = -719528; day < 2900000; day += 97) {
        char text[TIMESTAMP_SIZE];
        int64_t time_ms;
        timestamp_format(day * 86400000 + 12345678, text);
        if (timestamp_parse(text, &time_ms) != STATUS_OK || time_ms != day * 86400000 + 12345678)
            fail_msg("%s", text);
    }
}

static void times_beyond_the_calendar_are_clamped(void **state)
{
    (void)state;
    char text[TIMESTAMP_SIZE];
    timestamp_format(INT64_MAX, text);
    assert_string_equal(text, "9999-12-31T23:59:59.999Z");
    timestamp_format(INT64_MIN, text);
    assert_string_equal(text, "0000-01-01T00:00:00.000Z");
}

static const struct {
    const char *text;
    const char *same;
} variants[] = {
    {"1985-04-12T23:20:50.52Z", "1985-04-12T23:20:50.520Z"},
    {"1996-12-19T16:39:57-08:00", "1996-12-20T00:39:57.000Z"},
    {"1990-12-31T23:59:60Z", "1991-01-01T00:00:00.000Z"},
    {"1990-12-31T15:59:60-08:00", "1991-01-01T00:00:00.000Z"},
    {"1937-01-01T12:00:27.87+00:20", "1937-01-01T11:40:27.870Z"},
    {"2026-06-12t10:15:00.123999999z", "2026-06-12T10:15:00.123Z"},
    {"2026-06-12T10:15:00-00:00", "2026-06-12T10:15:00.000Z"},
};

static void all_forms_of_the_rfc_are_read(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof variants / sizeof variants[0]; i++) {
        char text[TIMESTAMP_SIZE];
        int64_t time_ms;
        assert_int_equal(timestamp_parse(variants[i].text, &time_ms), STATUS_OK);
        timestamp_format(time_ms, text);
        assert_string_equal(text, variants[i].same);
    }
}

static void what_is_no_time_is_refused(void **state)
{
    (void)state;
    static const char *const wrong[] = {"",
                                        "2026",
                                        "2026-06-12",
                                        "2026-06-12T10:15:00",
                                        "2026-06-12 10:15:00Z",
                                        "2026-06-12T10:15Z",
                                        "2026-06-12T10:15:00.Z",
                                        "2026-06-12T10:15:00Z ",
                                        " 2026-06-12T10:15:00Z",
                                        "2026-13-12T10:15:00Z",
                                        "2026-00-12T10:15:00Z",
                                        "2026-02-29T10:15:00Z",
                                        "2100-02-29T10:15:00Z",
                                        "2026-06-00T10:15:00Z",
                                        "2026-06-12T24:00:00Z",
                                        "2026-06-12T10:60:00Z",
                                        "2026-06-12T10:15:60Z",
                                        "2026-06-12T10:15:61Z",
                                        "2026-06-12T10:15:00+24:00",
                                        "2026-06-12T10:15:00+0100",
                                        "2026-6-12T10:15:00Z",
                                        "+026-06-12T10:15:00Z",
                                        "0000-01-01T00:00:00+01:00",
                                        "9999-12-31T23:59:59-01:00"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        int64_t time_ms;
        if (timestamp_parse(wrong[i], &time_ms) != STATUS_INVALID)
            fail_msg("%s", wrong[i]);
    }
}

static void durations_have_a_number_and_a_unit(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t ms;
    } right[] = {{"500ms", 500},    {"15s", 15000}, {"10m", 600000},   {"72h", 259200000},
                 {"5d", 432000000}, {"0s", 0},      {"00015s", 15000}, {"9223372036854775807ms", INT64_MAX}};
    static const char *const wrong[] = {"",
                                        "5",
                                        "s",
                                        "-1s",
                                        "+1s",
                                        "1 s",
                                        " 1s",
                                        "1s ",
                                        "1S",
                                        "1.5s",
                                        "1h30m",
                                        "9223372036854775808ms",
                                        "9223372036854775807s"};
    int64_t ms;
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        assert_int_equal(duration_parse(right[i].text, &ms), STATUS_OK);
        assert_int_equal(ms, right[i].ms);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (duration_parse(wrong[i], &ms) != STATUS_INVALID)
            fail_msg("%s", wrong[i]);
}

static void sizes_may_have_a_unit(void **state)
{
    (void)state;
    int64_t bytes;
    assert_int_equal(size_parse("64k", &bytes), STATUS_OK);
    assert_int_equal(bytes, 65536);
    assert_int_equal(size_parse("16M", &bytes), STATUS_OK);
    assert_int_equal(bytes, 16777216);
    assert_int_equal(size_parse("12", &bytes), STATUS_OK);
    assert_int_equal(bytes, 12);
    assert_int_equal(size_parse("", &bytes), STATUS_INVALID);
    assert_int_equal(size_parse("12b", &bytes), STATUS_INVALID);
    assert_int_equal(size_parse("9223372036854775807k", &bytes), STATUS_INVALID);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_moments_are_written_and_read),
        cmocka_unit_test(every_day_of_many_years_goes_round),
        cmocka_unit_test(times_beyond_the_calendar_are_clamped),
        cmocka_unit_test(all_forms_of_the_rfc_are_read),
        cmocka_unit_test(what_is_no_time_is_refused),
        cmocka_unit_test(durations_have_a_number_and_a_unit),
        cmocka_unit_test(sizes_may_have_a_unit),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
