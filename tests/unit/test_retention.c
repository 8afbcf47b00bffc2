/* What retention makes of a delivery: a table. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "model/retention.h"

#define DAY INT64_C(86400000)
#define NOW (100 * DAY)
#define RETENTION (30 * DAY)

/* A waiting one, created and due so long ago. */
#define WAITING(created_ago, due_ago)                                                                                  \
    .status = DELIVERY_WAITING, .created_at_ms = NOW - (created_ago), .next_attempt_at_ms = NOW - (due_ago)

static void waiting_and_finished_deliveries_have_their_time(void **state)
{
    (void)state;
    static const struct {
        struct delivery delivery;
        int64_t first_attempt_at_ms;
        enum retention_verdict verdict;
    } rows[] = {
        {{.status = DELIVERY_DELIVERED, .finished_at_ms = NOW}, 0, RETENTION_KEEP},
        {{.status = DELIVERY_DELIVERED, .finished_at_ms = NOW - RETENTION + 1}, 0, RETENTION_KEEP},
        {{.status = DELIVERY_DELIVERED, .finished_at_ms = NOW - RETENTION}, 0, RETENTION_DELETE},
        {{.status = DELIVERY_FAILED, .finished_at_ms = NOW - 31 * DAY}, 0, RETENTION_DELETE},
        {{.status = DELIVERY_CANCELLED, .finished_at_ms = NOW - 31 * DAY}, 0, RETENTION_DELETE},
        {{WAITING(RETENTION, RETENTION)}, 0, RETENTION_KEEP},
        {{WAITING(RETENTION + 1, RETENTION + 1)}, 0, RETENTION_CANCEL},
        /* in retry since its creation */
        {{WAITING(31 * DAY, -DAY), .attempt_count = 5, .budget_used = 5}, 0, RETENTION_CANCEL},
        /* in flight */
        {{WAITING(31 * DAY, 31 * DAY), .lease_until_ms = NOW + 1}, 0, RETENTION_KEEP},
        {{WAITING(31 * DAY, 31 * DAY), .lease_until_ms = NOW}, 0, RETENTION_CANCEL},
        /* made due by hand and not tried since */
        {{WAITING(50 * DAY, DAY), .attempt_count = 9}, 0, RETENTION_KEEP},
        {{WAITING(50 * DAY, 31 * DAY), .attempt_count = 9}, 0, RETENTION_CANCEL},
        /* made due by hand and tried again since */
        {{WAITING(50 * DAY, 0), .attempt_count = 11, .budget_used = 2}, NOW - 2 * DAY, RETENTION_KEEP},
        {{WAITING(90 * DAY, 0), .attempt_count = 11, .budget_used = 2}, NOW - 31 * DAY, RETENTION_CANCEL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(retention_judge(&rows[i].delivery, rows[i].first_attempt_at_ms, NOW, RETENTION),
                         rows[i].verdict);
}

static void the_first_attempt_since_it_was_made_due_counts(void **state)
{
    (void)state;
    static const struct {
        uint32_t attempts, budget, number;
    } rows[] = {{0, 0, 0}, {5, 5, 0}, {9, 0, 0}, {10, 1, 10}, {11, 2, 10}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        const struct delivery delivery = {.attempt_count = rows[i].attempts, .budget_used = rows[i].budget};
        assert_int_equal(retention_first_attempt(&delivery), rows[i].number);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(waiting_and_finished_deliveries_have_their_time),
        cmocka_unit_test(the_first_attempt_since_it_was_made_due_counts),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
