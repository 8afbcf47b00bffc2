/* The first and the last line of an export: what is written is read back, and nothing else is taken for one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "store/export_head.h"

static const struct export_head sample_head = {
    .made_at_ms = 1781259300123, .fingerprint = "0123456789abcdef", .counts = {1, 2, 3, 4, 5, 6, 7}};
static const struct export_tail sample_tail = {
    .lines = 4711, .counts = {7, 6, 5, 4, 3, 2, 1}, .unreadable = 9, .digest = {0xab, 1, 2}};

static void a_head_is_read_as_it_was_written(void **state)
{
    struct buf text = {0};
    struct export_head found;
    (void)state;
    export_head_format(&sample_head, &text);
    assert_int_equal(strncmp(text.data, EXPORT_MARK, strlen(EXPORT_MARK)), 0);
    assert_int_equal(export_head_parse(buf_slice(&text), &found), STATUS_OK);
    assert_memory_equal(found.counts, sample_head.counts, sizeof found.counts);
    assert_string_equal(found.fingerprint, sample_head.fingerprint);
    assert_true(found.made_at_ms == sample_head.made_at_ms && !found.is_plain);
    buf_clear(&text);
}

static void a_plain_export_names_no_key(void **state)
{
    struct buf text = {0};
    struct export_head head = sample_head, found;
    (void)state;
    head.is_plain = true;
    export_head_format(&head, &text);
    assert_null(strstr(text.data, head.fingerprint));
    assert_int_equal(export_head_parse(buf_slice(&text), &found), STATUS_OK);
    assert_true(found.is_plain && found.fingerprint[0] == '\0');
    buf_clear(&text);
}

static void a_tail_is_read_as_it_was_written(void **state)
{
    struct buf text = {0};
    struct export_tail found;
    (void)state;
    export_tail_format(&sample_tail, &text);
    assert_int_equal(export_tail_parse(buf_slice(&text), &found), STATUS_OK);
    assert_memory_equal(found.counts, sample_tail.counts, sizeof found.counts);
    assert_memory_equal(found.digest, sample_tail.digest, sizeof found.digest);
    assert_true(found.lines == 4711 && found.unreadable == 9);
    buf_clear(&text);
}

static void neither_is_taken_for_the_other(void **state)
{
    struct buf text = {0};
    struct export_head head;
    struct export_tail tail;
    (void)state;
    export_head_format(&sample_head, &text);
    assert_int_equal(export_tail_parse(buf_slice(&text), &tail), STATUS_INVALID);
    buf_reset(&text);
    export_tail_format(&sample_tail, &text);
    assert_int_equal(export_head_parse(buf_slice(&text), &head), STATUS_INVALID);
    buf_clear(&text);
}

static void no_part_of_one_is_one(void **state)
{
    struct buf text = {0};
    struct export_head head;
    (void)state;
    export_head_format(&sample_head, &text);
    for (size_t length = 0; length < text.length; length++)
        assert_int_equal(export_head_parse((struct slice){text.data, length}, &head), STATUS_INVALID);
    buf_clear(&text);
}

static void what_it_does_not_understand_is_refused(void **state)
{
    struct export_head head;
    struct export_tail tail;
    (void)state;
    assert_int_equal(export_head_parse(slice_of("{\"hookturn\":\"export\",\"format\":2}"), &head), STATUS_VERSION);
    static const char *const wrong[] = {
        "",
        "{}",
        "[]",
        "{\"hookturn\":1}",
        "{\"hookturn\":\"export\"}",
        "{\"hookturn\":\"export\",\"format\":0}",
        "{\"hookturn\":\"export\",\"format\":1,\"made_at\":\"2026-06-12T10:15:00.000Z\",\"secrets\":\"none\"}",
        "{\"hookturn\":\"export\",\"format\":1,\"made_at\":1,\"secrets\":\"plain\",\"counts\":{}}"};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        assert_int_equal(export_head_parse(slice_of(wrong[i]), &head), STATUS_INVALID);
        assert_int_equal(export_tail_parse(slice_of(wrong[i]), &tail), STATUS_INVALID);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_head_is_read_as_it_was_written),
        cmocka_unit_test(a_plain_export_names_no_key),
        cmocka_unit_test(a_tail_is_read_as_it_was_written),
        cmocka_unit_test(neither_is_taken_for_the_other),
        cmocka_unit_test(no_part_of_one_is_one),
        cmocka_unit_test(what_it_does_not_understand_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
