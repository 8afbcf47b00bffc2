/* What the answers to a probe's two requests say: the table of verdicts. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "model/probe.h"

#define ANSWER(status)                                                                                                 \
    {                                                                                                                  \
        (status), ATTEMPT_NO_ERROR, 5                                                                                  \
    }
#define FAILURE(error)                                                                                                 \
    {                                                                                                                  \
        0, (error), 5                                                                                                  \
    }

static const struct row {
    struct probe_reply replies[PROBE_PARTS];
    bool is_accepted, is_rejected;
} rows[] = {
    /* a receiver that verifies with the new secret */
    {{ANSWER(200), ANSWER(401)}, true, true},
    {{ANSWER(204), ANSWER(400)}, true, true},
    {{ANSWER(299), ANSWER(500)}, true, true},
    {{ANSWER(202), ANSWER(302)}, true, true},
    {{ANSWER(200), ANSWER(410)}, true, true},
    /* one that does not have it yet, one that verifies nothing, one that takes nothing */
    {{ANSWER(401), ANSWER(401)}, false, true},
    {{ANSWER(200), ANSWER(200)}, true, false},
    {{ANSWER(403), ANSWER(200)}, false, false},
    {{ANSWER(301), ANSWER(301)}, false, true},
    /* "not now" is no verdict about a signature */
    {{ANSWER(200), ANSWER(429)}, true, false},
    {{ANSWER(200), ANSWER(502)}, true, false},
    {{ANSWER(200), ANSWER(503)}, true, false},
    {{ANSWER(200), ANSWER(504)}, true, false},
    {{ANSWER(503), ANSWER(503)}, false, false},
    /* nor is no answer, or one that broke off */
    {{FAILURE(ATTEMPT_CONNECT), FAILURE(ATTEMPT_CONNECT)}, false, false},
    {{ANSWER(200), FAILURE(ATTEMPT_TIMEOUT)}, true, false},
    {{ANSWER(200), {401, ATTEMPT_TIMEOUT, 5}}, true, false},
    {{{200, ATTEMPT_TIMEOUT, 5}, ANSWER(401)}, false, true},
    {{{200, ATTEMPT_TOO_LARGE, 5}, {401, ATTEMPT_TOO_LARGE, 5}}, true, true},
    {{FAILURE(ATTEMPT_TOO_LARGE), FAILURE(ATTEMPT_TOO_LARGE)}, false, false},
};

static void the_verdict_follows_from_both_answers(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct row *row = &rows[i];
        struct probe probe = {.status = PROBE_DONE, .replies = {row->replies[0], row->replies[1]}};
        if (probe_new_secret_accepted(&probe) != row->is_accepted || probe_forged_rejected(&probe) != row->is_rejected)
            fail_msg("row %zu", i);
        assert_int_equal(probe_is_ready(&probe), row->is_accepted && row->is_rejected);
    }
}

static void nothing_is_ready_before_it_is_done(void **state)
{
    (void)state;
    static const enum probe_status others[] = {PROBE_PENDING, PROBE_VOID};
    for (size_t i = 0; i < 2; i++) {
        struct probe probe = {.status = others[i], .replies = {ANSWER(200), ANSWER(401)}};
        assert_false(probe_new_secret_accepted(&probe));
        assert_false(probe_forged_rejected(&probe));
        assert_false(probe_is_ready(&probe));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_verdict_follows_from_both_answers),
        cmocka_unit_test(nothing_is_ready_before_it_is_done),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
