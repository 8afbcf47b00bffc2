/* Windows: how many requests at a time a destination gets after what its last ones came to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "delivery/window.h"

enum { MAX = 16, QUICKLY = 20, SLOWLY = WINDOW_QUICK_MS };

static void test_each_outcome_has_its_effect(void **state)
{
    static const struct {
        size_t before;
        int32_t status;
        enum attempt_error error;
        int64_t duration_ms;
        size_t after;
        enum temper temper;
    } rows[] = {
        {4, 200, ATTEMPT_NO_ERROR, QUICKLY, 5, TEMPER_QUICK},
        {4, 299, ATTEMPT_NO_ERROR, SLOWLY - 1, 5, TEMPER_QUICK},
        {4, 204, ATTEMPT_NO_ERROR, SLOWLY, 5, TEMPER_UNPROVEN},
        {16, 200, ATTEMPT_NO_ERROR, QUICKLY, 16, TEMPER_QUICK},
        /* the application's answers */
        {4, 302, ATTEMPT_NO_ERROR, QUICKLY, 4, TEMPER_QUICK},
        {4, 400, ATTEMPT_NO_ERROR, QUICKLY, 4, TEMPER_QUICK},
        {4, 410, ATTEMPT_NO_ERROR, SLOWLY, 4, TEMPER_UNPROVEN},
        {4, 500, ATTEMPT_NO_ERROR, QUICKLY, 4, TEMPER_QUICK},
        {4, 501, ATTEMPT_NO_ERROR, QUICKLY, 4, TEMPER_QUICK},
        {4, 0, ATTEMPT_TOO_LARGE, QUICKLY, 4, TEMPER_QUICK},
        /* those that ask for patience */
        {4, 429, ATTEMPT_NO_ERROR, QUICKLY, 2, TEMPER_FAILING},
        {5, 502, ATTEMPT_NO_ERROR, QUICKLY, 2, TEMPER_FAILING},
        {16, 503, ATTEMPT_NO_ERROR, QUICKLY, 8, TEMPER_FAILING},
        {1, 504, ATTEMPT_NO_ERROR, QUICKLY, 1, TEMPER_FAILING},
        /* no answer, or half of one */
        {8, 0, ATTEMPT_TIMEOUT, 15000, 4, TEMPER_FAILING},
        {8, 200, ATTEMPT_TIMEOUT, 15000, 4, TEMPER_FAILING},
        {3, 0, ATTEMPT_CONNECT, QUICKLY, 1, TEMPER_FAILING},
        {2, 0, ATTEMPT_DNS, QUICKLY, 1, TEMPER_FAILING},
        {1, 0, ATTEMPT_TLS, QUICKLY, 1, TEMPER_FAILING},
        {4, 0, ATTEMPT_BLOCKED, 0, 2, TEMPER_FAILING},
        {4, 0, ATTEMPT_PROTOCOL, QUICKLY, 2, TEMPER_FAILING},
    };
    (void)state;
    for (size_t i = 0; i < sizeof(rows) / sizeof(*rows); i++) {
        struct window before = {.size = rows[i].before, .temper = TEMPER_QUICK};
        struct window after = window_next(before, rows[i].status, rows[i].error, rows[i].duration_ms, MAX);
        if (after.size != rows[i].after || after.temper != rows[i].temper)
            fail_msg("row %zu: size %zu, temper %d", i, after.size, (int)after.temper);
    }
}

static void test_a_start_is_small_and_within_the_limit(void **state)
{
    (void)state;
    assert_int_equal(window_start(MAX).size, WINDOW_START);
    assert_int_equal(window_start(MAX).temper, TEMPER_UNPROVEN);
    assert_int_equal(window_start(1).size, 1);
}

static void test_a_windowful_of_successes_doubles_it(void **state)
{
    (void)state;
    struct window window = {.size = 4, .temper = TEMPER_FAILING};
    for (int i = 0; i < 4; i++)
        window = window_next(window, 200, ATTEMPT_NO_ERROR, QUICKLY, MAX);
    assert_int_equal(window.size, 8);
    assert_int_equal(window.temper, TEMPER_QUICK);
}

static void test_a_dead_destination_is_left_with_one_and_a_recovered_one_gets_all_back(void **state)
{
    (void)state;
    struct window window = {.size = MAX, .temper = TEMPER_QUICK};
    for (int i = 0; i < 100; i++)
        window = window_next(window, 0, ATTEMPT_TIMEOUT, 15000, MAX);
    assert_int_equal(window.size, 1);
    for (int i = 0; i < MAX; i++)
        window = window_next(window, 200, ATTEMPT_NO_ERROR, QUICKLY, MAX);
    assert_int_equal(window.size, MAX);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_outcome_has_its_effect),
        cmocka_unit_test(test_a_start_is_small_and_within_the_limit),
        cmocka_unit_test(test_a_windowful_of_successes_doubles_it),
        cmocka_unit_test(test_a_dead_destination_is_left_with_one_and_a_recovered_one_gets_all_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
