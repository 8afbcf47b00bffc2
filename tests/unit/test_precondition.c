/* If-Match: which values name the version that a record had before a change. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/precondition.h"

static void a_star_and_lists_with_the_etag_match(void **state)
{
    (void)state;
    static const char *const values[] = {
        "*", " * ", "\"2-0\"", "\"1-0\", \"2-0\"", "\"a,b\",\t\"2-0\"", ",,\"2-0\" ,", "W/\"2-0\", \"2-0\""};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_true(precondition_names(values[i], "\"2-0\""));
}

static void everything_else_matches_nothing(void **state)
{
    (void)state;
    static const char *const values[] = {
        "",   " ",    ",",        "2-0",  "\"2-0",           "W/\"2-0\"",  "\"2-1\"",   "\"2-0\"x",   "\"2-0\" *",
        "**", "*, *", "\"2-00\"", "\"\"", "\"2-0\" \"2-0\"", "\"2-0\", x", "w/\"2-0\"", "\"2-0\", W/"};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        assert_false(precondition_names(values[i], "\"2-0\""));
}

static void it_is_held_against_the_version_before_the_change(void **state)
{
    (void)state;
    char before[] = "\"6-0\"";
    char raised[] = "\"7-0\"";
    struct subscription subscription = {.version = 7};
    struct request request = {.if_match = NULL};
    assert_int_equal(precondition_check(&request, &subscription, 0), STATUS_OK);
    request.if_match = before;
    assert_int_equal(precondition_check(&request, &subscription, 0), STATUS_OK);
    request.if_match = raised;
    assert_int_equal(precondition_check(&request, &subscription, 0), STATUS_PRECONDITION);
    request.if_match = raised + 5;
    assert_int_equal(precondition_check(&request, &subscription, 0), STATUS_PRECONDITION);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_star_and_lists_with_the_etag_match),
        cmocka_unit_test(everything_else_matches_nothing),
        cmocka_unit_test(it_is_held_against_the_version_before_the_change),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
