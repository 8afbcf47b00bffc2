/* Growing buffers and slices. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/buf.h"

static void an_empty_buffer_reads_as_an_empty_text(void **state)
{
    (void)state;
    struct buf buf = {0};
    assert_string_equal(buf_text(&buf), "");
    assert_int_equal(buf_slice(&buf).length, 0);
    buf_append(&buf, NULL, 0);
    buf_printf(&buf, "%s", "");
    assert_int_equal(buf.length, 0);
    buf_clear(&buf);
}

static void appended_bytes_are_kept_and_terminated(void **state)
{
    (void)state;
    struct buf buf = {0};
    for (int i = 0; i < 1000; i++)
        buf_append(&buf, "a\0b", 3);
    assert_int_equal(buf.length, 3000);
    assert_memory_equal(buf.data + 2997, "a\0b", 4);
    buf_reset(&buf);
    buf_append_text(&buf, "x=");
    buf_printf(&buf, "%d %0*d", 7, 300, 1);
    assert_int_equal(buf.length, 2 + 2 + 300);
    assert_int_equal(strlen(buf.data), buf.length);
    buf_clear(&buf);
    assert_null(buf.data);
}

static void reserved_room_is_not_moved_by_appending(void **state)
{
    (void)state;
    struct buf buf = {0};
    buf_reserve(&buf, 5000);
    const char *before = buf.data;
    for (int i = 0; i < 5000; i++)
        buf_append_slice(&buf, slice_of("z"));
    assert_ptr_equal(before, buf.data);
    assert_int_equal(buf.data[5000], 0);
    buf_clear(&buf);
}

static void slices_compare_by_all_their_bytes(void **state)
{
    (void)state;
    assert_true(slice_equals((struct slice){"abc", 2}, "ab"));
    assert_false(slice_equals((struct slice){"abc", 3}, "ab"));
    assert_true(slice_equals((struct slice){NULL, 0}, ""));
    char *copy = slice_dup((struct slice){"a\0c", 3});
    assert_memory_equal(copy, "a\0c", 4);
    free(copy);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_buffer_reads_as_an_empty_text),
        cmocka_unit_test(appended_bytes_are_kept_and_terminated),
        cmocka_unit_test(reserved_room_is_not_moved_by_appending),
        cmocka_unit_test(slices_compare_by_all_their_bytes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
