/* What is taken for a typing error, and of what; and how a text of somebody else is shown. */
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

static void assert_shown(const char *text, const char *expected)
{
    struct buf got = {0};
    text_append_printable(text, &got);
    assert_string_equal(buf_text(&got), expected);
    buf_clear(&got);
}

static void what_a_terminal_would_act_on_is_shown_as_a_question_mark(void **state)
{
    (void)state;
    assert_shown("", "");
    assert_shown("Gr\xc3\xb6\xc3\x9f\x65 1", "Gr\xc3\xb6\xc3\x9f\x65 1");
    assert_shown("a\nb\x1b[2J\x7f", "a?b?[2J?");
    assert_shown("a\xc2\x9b\x62", "a?b");
    assert_shown("\xff\xc3", "??");
    assert_shown("\xed\xa0\x80", "???");
}

static void assert_word(const char *text, const char *expected)
{
    struct buf got = {0};
    text_append_shell_word(text, &got);
    assert_string_equal(buf_text(&got), expected);
    buf_clear(&got);
}

static void a_shell_reads_one_word_back(void **state)
{
    (void)state;
    assert_word("/var/lib/hookturn/hookturn.conf", "/var/lib/hookturn/hookturn.conf");
    assert_word("/my site/$x", "'/my site/$x'");
    assert_word("it's", "'it'\\''s'");
    assert_word("", "''");
}

static void one_is_one(void **state)
{
    (void)state;
    assert_string_equal(text_plural(0, "delivery", "deliveries"), "deliveries");
    assert_string_equal(text_plural(1, "delivery", "deliveries"), "delivery");
    assert_string_equal(text_plural(2, "delivery", "deliveries"), "deliveries");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_character_more_less_or_another_is_one_edit),
        cmocka_unit_test(three_edits_are_too_many),
        cmocka_unit_test(of_several_the_nearest_is_meant_and_of_equals_the_first),
        cmocka_unit_test(a_long_text_is_like_nothing),
        cmocka_unit_test(what_a_terminal_would_act_on_is_shown_as_a_question_mark),
        cmocka_unit_test(a_shell_reads_one_word_back),
        cmocka_unit_test(one_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
