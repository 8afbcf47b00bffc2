/* What is taken for a typing error, and of what. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "base/text.h"

static struct slice name_at(const void *context, size_t index)
{
    const char *const *names = context;
    return names[index] ? slice_of(names[index]) : (struct slice){NULL, 0};
}

static const char *nearest(const char *text)
{
    static const char *const names[] = {"threads", "thread", "store", "worker", NULL};
    return text_nearest(text, name_at, names).data;
}

static void a_character_more_less_or_another_is_one_edit(void **state)
{
    (void)state;
    assert_string_equal(nearest("worker"), "worker");
    assert_string_equal(nearest("workerr"), "worker");
    assert_string_equal(nearest("orker"), "worker");
    assert_string_equal(nearest("wurker"), "worker");
    assert_string_equal(nearest("stroe"), "store");
}

static void three_edits_are_too_many(void **state)
{
    (void)state;
    assert_null(nearest("wor"));
    assert_null(nearest("worker_id"));
    assert_null(nearest(""));
}

static void of_several_the_nearest_is_meant_and_of_equals_the_first(void **state)
{
    (void)state;
    assert_string_equal(nearest("thread"), "thread");
    assert_string_equal(nearest("threadz"), "threads");
    assert_string_equal(nearest("hread"), "thread");
}

static void a_long_text_is_like_nothing(void **state)
{
    (void)state;
    assert_null(nearest("wwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwwww"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_more_less_or_another_is_one_edit),
        cmocka_unit_test(three_edits_are_too_many),
        cmocka_unit_test(of_several_the_nearest_is_meant_and_of_equals_the_first),
        cmocka_unit_test(a_long_text_is_like_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
