/* What is read is what json-c's own parser reads, as long as that has the memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/json_in.h"
#include "base/json_out.h"

static void each_value_equals_the_one_that_json_c_parses(void **state)
{
    static const char *const texts[] = {
        "{}",
        "[]",
        " [ ] ",
        "\"\"",
        "\"a\\u00e4\\n\\\"\\ud83d\\ude00/\"",
        "0",
        "-0",
        "12",
        "-9223372036854775808",
        "9223372036854775807",
        "1.5",
        "-2e3",
        "1E-2",
        "0.0",
        "true",
        "false",
        "{\"a\": {\"b\": [1, \"x\", null, {}, [[]]]} , \"c\":false}",
        "[\n1 ,\t2\r,3 ]",
        "{\"same\": 1, \"other\": 2, \"same\": \"last\"}",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        json_object *expected = json_tokener_parse(texts[i]);
        json_object *value = json_in_value(slice_of(texts[i]));
        assert_int_equal(json_object_get_type(value), json_object_get_type(expected));
        assert_true(json_object_equal(value, expected));
        json_out_wipe(value);
        json_object_put(expected);
    }
}

static void integers_that_do_not_fit_become_the_nearest(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        int64_t value;
    } cases[] = {{"9223372036854775808", INT64_MAX},
                 {"99999999999999999999999", INT64_MAX},
                 {"-9223372036854775809", INT64_MIN}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        json_object *value = json_in_value(slice_of(cases[i].text));
        assert_int_equal(json_object_get_type(value), json_type_int);
        assert_true(json_object_get_int64(value) == cases[i].value);
        json_out_wipe(value);
    }
}

static void null_is_no_object(void **state)
{
    (void)state;
    assert_null(json_in_value(slice_of("null")));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_value_equals_the_one_that_json_c_parses),
        cmocka_unit_test(integers_that_do_not_fit_become_the_nearest),
        cmocka_unit_test(null_is_no_object),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
