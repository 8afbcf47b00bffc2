/* The text of a value is the one that json-c itself makes, as long as that has the memory. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"

static void expect_json_cs_text(json_object *value)
{
    struct buf out = {0};
    char *expected =
        strdup(json_object_to_json_string_ext(value, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE));
    buf_append_text(&out, "before ");
    json_out_end(value, &out);
    assert_memory_equal(out.data, "before ", 7);
    assert_string_equal(out.data + 7, expected);
    assert_int_equal(out.length, 7 + strlen(expected));
    free(expected);
    buf_clear(&out);
}

static void every_kind_of_value_has_json_cs_text(void **state)
{
    (void)state;
    json_object *object = json_out_new();
    json_out_text(object, "text", "a/b \"c\" \\ \xc3\xa4");
    json_out_integer(object, "least", INT64_MIN);
    json_out_integer(object, "most", INT64_MAX);
    json_out_bool(object, "yes", true);
    json_out_bool(object, "no", false);
    json_out_text(object, "", "");
    json_out_time(object, "a \"name\"\n", 0);
    json_out_object(object, "nothing");
    json_out_array(object, "none");
    json_object *array = json_out_array(object, "some");
    json_out_text(array, NULL, "x");
    json_out_integer(json_out_object(array, NULL), "n", -1);
    json_out_text(json_out_array(array, NULL), NULL, "y");
    expect_json_cs_text(object);
}

static void every_byte_of_a_text_is_escaped_as_json_c_does(void **state)
{
    (void)state;
    json_object *array = json_object_new_array();
    for (int c = 0; c < 0x80; c++) {
        const char text[] = {'a', (char)c, (char)c, 'b', (char)c};
        json_out_bytes(array, NULL, (struct slice){text, sizeof text});
    }
    expect_json_cs_text(array);
}

static void a_long_text_is_whole(void **state)
{
    (void)state;
    json_object *array = json_object_new_array();
    struct buf text = {0};
    for (int i = 0; i < 100000; i++)
        buf_append(&text, i % 7 ? "x" : "\"", 1);
    json_out_text(array, NULL, text.data);
    buf_clear(&text);
    expect_json_cs_text(array);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_value_has_json_cs_text),
        cmocka_unit_test(every_byte_of_a_text_is_escaped_as_json_c_does),
        cmocka_unit_test(a_long_text_is_whole),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
