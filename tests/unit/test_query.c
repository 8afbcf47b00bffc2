/* The query's parameters: what is read, and what is refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api/query.h"
#include "base/buf.h"

/* Notes what it was given, as "<value>;". */
static const char *note(void *context, const char *value)
{
    if (strcmp(value, "bad") == 0)
        return "must not be bad";
    buf_printf(context, "%s;", value);
    return NULL;
}

static const struct query_field fields[] = {{"a", true, note}, {"b_c", false, note}};

/* "<values>|<name>: <message>,…" */
static void check(const char *query, const char *expected)
{
    struct buf seen = {0};
    struct field_errors errors = {0};
    query_read(query, fields, 2, &seen, &errors);
    buf_append_text(&seen, "|");
    for (size_t i = 0; i < errors.count; i++)
        buf_printf(&seen, "%s: %s,", errors.items[i].field, errors.items[i].message);
    assert_string_equal(buf_text(&seen), expected);
    field_errors_clear(&errors);
    buf_clear(&seen);
}

static void parameters_are_read_whatever_their_order(void **state)
{
    (void)state;
    check("a=1&b_c=2", "1;2;|");
    check("b_c=2&a=1", "2;1;|");
    check("&&a=1&", "1;|");
    check("a=1=2", "1=2;|");
    check("a=", ";|");
    check("a", ";|");
}

static void they_are_decoded(void **state)
{
    (void)state;
    check("a=x+y%20z%2B%26%3d", "x y z+&=;|");
    check("%61=1&b%5Fc=2", "1;2;|");
    check("a=%c3%A9", "\xc3\xa9;|");
}

static void others_are_ignored_however_broken(void **state)
{
    (void)state;
    check("x=1&a=1&x=2&=3&%=4&%zz&A=5&a%00=6&aa=7", "1;|");
}

static void broken_escapes_and_nuls_are_refused(void **state)
{
    (void)state;
    static const char *const queries[] = {"a=%", "a=1%2", "a=%zz", "a=%g0", "a=%0g", "a=x%00y"};
    for (size_t i = 0; i < sizeof queries / sizeof queries[0]; i++)
        check(queries[i], "|a: has a broken percent-encoding,");
}

static void what_stands_twice_or_is_missing_is_named(void **state)
{
    (void)state;
    check("", "|a: is required,");
    check("b_c=1", "1;|a: is required,");
    check("a=1&a=1", "1;|a: must not be given twice,");
    check("a=bad&b_c=bad", "|a: must not be bad,b_c: must not be bad,");
    check("b_c=%&b_c=%", "|b_c: has a broken percent-encoding,a: is required,");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(parameters_are_read_whatever_their_order),
        cmocka_unit_test(they_are_decoded),
        cmocka_unit_test(others_are_ignored_however_broken),
        cmocka_unit_test(broken_escapes_and_nuls_are_refused),
        cmocka_unit_test(what_stands_twice_or_is_missing_is_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
