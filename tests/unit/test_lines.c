/* Lines of a stream that comes in pieces of any size. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <string.h>

#include "base/lines.h"

struct source {
    const char *text;
    size_t length, piece;
    enum status end; /* what stands for the end */
};

static enum status read_piece(void *context, char *out, size_t size, size_t *length)
{
    struct source *source = context;
    size_t most = size < source->piece ? size : source->piece;
    if (source->length == 0 && source->end != STATUS_OK)
        return source->end;
    *length = source->length < most ? source->length : most;
    memcpy(out, source->text, *length);
    source->text += *length;
    source->length -= *length;
    return STATUS_OK;
}

/* The lines, each with its end, behind one another, with '|' between them; then what ended it. */
static enum status collect(const char *text, size_t piece, size_t max_length, enum status end, struct buf *out)
{
    struct source source = {text, strlen(text), piece, end};
    struct lines lines = {.read = read_piece, .context = &source, .max_length = max_length};
    struct slice line;
    enum status status;
    buf_reset(out);
    while ((status = lines_next(&lines, &line)) == STATUS_OK) {
        buf_append_slice(out, line);
        buf_append_text(out, "|");
    }
    lines_clear(&lines);
    return status;
}

static void lines_are_the_same_whatever_pieces_they_come_in(void **state)
{
    struct buf out = {0};
    (void)state;
    for (size_t piece = 1; piece < 20; piece++) {
        assert_int_equal(collect("one\n\nthree, longer\n", piece, 100, STATUS_OK, &out), STATUS_NOT_FOUND);
        assert_string_equal(buf_text(&out), "one\n|\n|three, longer\n|");
    }
    assert_int_equal(collect("", 1, 100, STATUS_OK, &out), STATUS_NOT_FOUND);
    buf_clear(&out);
}

static void a_stream_that_ends_in_a_line_is_told_from_one_that_ends_with_it(void **state)
{
    struct buf out = {0};
    (void)state;
    assert_int_equal(collect("one\ntw", 3, 100, STATUS_OK, &out), STATUS_CORRUPT);
    assert_string_equal(buf_text(&out), "one\n|");
    buf_clear(&out);
}

static void a_line_may_be_as_long_as_the_limit_and_no_longer(void **state)
{
    struct buf out = {0};
    (void)state;
    for (size_t piece = 1; piece < 12; piece++) {
        assert_int_equal(collect("1234\n12345\n", piece, 5, STATUS_OK, &out), STATUS_NOT_FOUND);
        assert_int_equal(collect("1234\n123456\n", piece, 5, STATUS_OK, &out), STATUS_LIMIT);
        assert_string_equal(buf_text(&out), "1234\n|");
        assert_int_equal(collect("1234567890", piece, 5, STATUS_OK, &out), STATUS_LIMIT);
    }
    buf_clear(&out);
}

static void what_the_reading_returns_ends_it(void **state)
{
    struct buf out = {0};
    (void)state;
    assert_int_equal(collect("one\ntw", 2, 100, STATUS_IO, &out), STATUS_IO);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lines_are_the_same_whatever_pieces_they_come_in),
        cmocka_unit_test(a_stream_that_ends_in_a_line_is_told_from_one_that_ends_with_it),
        cmocka_unit_test(a_line_may_be_as_long_as_the_limit_and_no_longer),
        cmocka_unit_test(what_the_reading_returns_ends_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
