/* What follows an attempt: the table of retry times. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/delivery.h"

#define ENDED INT64_C(1781259300000)
#define HOUR INT64_C(3600000)
#define ALMOST_ONE 0.999999999

static const struct retry_policy by_default = {
    .is_set = true, .strategy = RETRY_EXPONENTIAL_BACKOFF, .max_attempts = 8, .max_delay_ms = 10 * HOUR};
static const struct retry_policy fixed = {
    .is_set = true, .strategy = RETRY_FIXED_DELAY, .max_attempts = 3, .max_delay_ms = 30000};
static const struct retry_policy never = {.is_set = true, .strategy = RETRY_EXPONENTIAL_BACKOFF, .max_delay_ms = 1000};

static struct next_state after(const struct retry_policy *policy, uint32_t budget_used, int32_t status,
                               int64_t retry_after_ms, double jitter)
{
    return delivery_next(policy, budget_used, status, status ? ATTEMPT_NO_ERROR : ATTEMPT_CONNECT, retry_after_ms,
                         ENDED, jitter);
}

static int64_t delay(const struct retry_policy *policy, uint32_t budget_used, double jitter)
{
    struct next_state next = after(policy, budget_used, 500, -1, jitter);
    assert_int_equal(next.status, DELIVERY_WAITING);
    assert_false(next.is_gone);
    return next.due_at_ms - ENDED;
}

static void backoff_grows_by_six_within_jitter_up_to_the_cap(void **state)
{
    (void)state;
    static const struct {
        uint32_t budget_used;
        int64_t least, middle, most;
    } rows[] = {
        {1, 4000, 5000, 6000},
        {2, 24000, 30000, 36000},
        {3, 144000, 180000, 216000},
        {4, 864000, 1080000, 1296000},
        {5, 5184000, 6480000, 7776000},
        {6, 31104000, 36000000, 36000000}, /* 38.88 M, capped */
        {7, 36000000, 36000000, 36000000},
        {8, 36000000, 36000000, 36000000},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        assert_int_equal(delay(&by_default, rows[i].budget_used, 0.0), rows[i].least);
        assert_in_range(delay(&by_default, rows[i].budget_used, 0.5), rows[i].middle - 1, rows[i].middle);
        assert_in_range(delay(&by_default, rows[i].budget_used, ALMOST_ONE), rows[i].most - 1, rows[i].most);
    }
}

static void jitter_never_exceeds_the_cap(void **state)
{
    (void)state;
    struct retry_policy policy = by_default;
    policy.max_delay_ms = 5500;
    assert_int_equal(delay(&policy, 1, ALMOST_ONE), 5500);
    assert_int_equal(delay(&policy, 1, 0.0), 4000);
    policy.max_delay_ms = 1000;
    assert_int_equal(delay(&policy, 1, 0.0), 1000);
}

static void the_budget_is_one_attempt_and_the_policys_retries(void **state)
{
    (void)state;
    assert_int_equal(after(&by_default, 8, 500, -1, 0.5).status, DELIVERY_WAITING);
    assert_int_equal(after(&by_default, 9, 500, -1, 0.5).status, DELIVERY_FAILED);
    assert_int_equal(after(&never, 1, 500, -1, 0.5).status, DELIVERY_FAILED);
    assert_int_equal(after(&by_default, UINT32_MAX, 500, -1, 0.5).status, DELIVERY_FAILED);
    assert_int_equal(after(&by_default, 9, 503, HOUR, 0.5).status, DELIVERY_FAILED);
    assert_false(after(&by_default, 9, 500, -1, 0.5).is_gone);
}

static void no_number_of_attempts_overflows(void **state)
{
    (void)state;
    struct retry_policy policy = by_default;
    policy.max_attempts = INT32_MAX;
    assert_int_equal(delay(&policy, INT32_MAX, ALMOST_ONE), 10 * HOUR);
    policy.max_delay_ms = INT64_MAX;
    struct next_state next = after(&policy, INT32_MAX, 500, -1, ALMOST_ONE);
    assert_int_equal(next.status, DELIVERY_WAITING);
    assert_int_equal(next.due_at_ms, INT64_MAX);
}

static void fixed_delay_is_the_same_each_time_without_jitter(void **state)
{
    (void)state;
    for (uint32_t budget_used = 1; budget_used <= 3; budget_used++) {
        assert_int_equal(delay(&fixed, budget_used, 0.0), 30000);
        assert_int_equal(delay(&fixed, budget_used, ALMOST_ONE), 30000);
    }
    assert_int_equal(after(&fixed, 4, 500, -1, 0.0).status, DELIVERY_FAILED);
}

static void retry_after_counts_where_it_is_longer(void **state)
{
    (void)state;
    assert_int_equal(after(&by_default, 1, 503, 60000, 0.5).due_at_ms, ENDED + 60000);
    assert_int_equal(after(&by_default, 1, 429, 60000, 0.5).due_at_ms, ENDED + 60000);
    assert_int_equal(after(&by_default, 1, 429, 1000, 0.0).due_at_ms, ENDED + 4000);
    assert_int_equal(after(&by_default, 1, 429, 0, 0.0).due_at_ms, ENDED + 4000);
    assert_int_equal(after(&fixed, 1, 503, 24 * HOUR, 0.0).due_at_ms, ENDED + 24 * HOUR);
    assert_int_equal(after(&by_default, 8, 503, 24 * HOUR, 0.0).due_at_ms, ENDED + 24 * HOUR);
}

static void retry_after_counts_for_429_and_503_alone(void **state)
{
    (void)state;
    static const int32_t others[] = {0, 301, 400, 500, 502, 504};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        assert_int_equal(after(&fixed, 1, others[i], HOUR, 0.0).due_at_ms, ENDED + 30000);
}

static void any_2xx_is_success(void **state)
{
    (void)state;
    static const int32_t statuses[] = {200, 201, 202, 204, 299};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++) {
        assert_int_equal(after(&never, 1, statuses[i], -1, 0.0).status, DELIVERY_DELIVERED);
        assert_int_equal(after(&by_default, 99, statuses[i], -1, 0.0).status, DELIVERY_DELIVERED);
    }
    struct next_state cut = delivery_next(&never, 1, 200, ATTEMPT_TOO_LARGE, -1, ENDED, 0.0);
    assert_int_equal(cut.status, DELIVERY_DELIVERED);
    assert_false(cut.is_gone);
}

static void an_answer_that_never_ends_is_no_success(void **state)
{
    (void)state;
    assert_int_equal(delivery_next(&by_default, 1, 200, ATTEMPT_TIMEOUT, -1, ENDED, 0.0).status, DELIVERY_WAITING);
    assert_int_equal(delivery_next(&by_default, 1, 200, ATTEMPT_PROTOCOL, -1, ENDED, 0.0).status, DELIVERY_WAITING);
    assert_int_equal(delivery_next(&never, 1, 200, ATTEMPT_TIMEOUT, -1, ENDED, 0.0).status, DELIVERY_FAILED);
}

static void everything_else_is_retried(void **state)
{
    (void)state;
    static const int32_t statuses[] = {0,   100, 199, 300, 301, 302, 308, 400, 401,
                                       404, 409, 411, 418, 429, 500, 503, 599};
    for (size_t i = 0; i < sizeof statuses / sizeof statuses[0]; i++)
        assert_int_equal(after(&by_default, 1, statuses[i], -1, 0.0).status, DELIVERY_WAITING);
    for (enum attempt_error error = ATTEMPT_TIMEOUT; error <= ATTEMPT_PROTOCOL; error++)
        assert_int_equal(delivery_next(&by_default, 1, 0, error, -1, ENDED, 0.0).status, DELIVERY_WAITING);
}

static void gone_fails_at_once_and_switches_off(void **state)
{
    (void)state;
    struct next_state next = after(&by_default, 1, 410, HOUR, 0.5);
    assert_int_equal(next.status, DELIVERY_FAILED);
    assert_true(next.is_gone);
}

static void names_are_those_of_the_api(void **state)
{
    (void)state;
    assert_string_equal(delivery_status_name(DELIVERY_WAITING), "WAITING");
    assert_string_equal(delivery_status_name(DELIVERY_DELIVERED), "DELIVERED");
    assert_string_equal(delivery_status_name(DELIVERY_FAILED), "FAILED");
    assert_string_equal(delivery_status_name(DELIVERY_CANCELLED), "CANCELLED");
    assert_string_equal(attempt_error_name(ATTEMPT_NO_ERROR), "");
    assert_string_equal(attempt_error_name(ATTEMPT_TIMEOUT), "TIMEOUT");
    assert_string_equal(attempt_error_name(ATTEMPT_TOO_LARGE), "TOO_LARGE");
    assert_string_equal(attempt_error_name(ATTEMPT_PROTOCOL), "PROTOCOL");
}

static void names_are_read_exactly(void **state)
{
    (void)state;
    static const char *const wrong[] = {"", "waiting", "WAITING ", "DONE"};
    enum delivery_status status;
    for (unsigned i = DELIVERY_WAITING; i <= DELIVERY_CANCELLED; i++) {
        assert_int_equal(delivery_status_parse(delivery_status_name((enum delivery_status)i), &status), STATUS_OK);
        assert_int_equal(status, i);
    }
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_int_equal(delivery_status_parse(wrong[i], &status), STATUS_INVALID);
}

static void ids_are_both_ids_in_48_digits(void **state)
{
    (void)state;
    static const char text[] = "0123456789abcdef01234567fedcba9876543210fedcba98";
    static const char *const wrong[] = {"",
                                        "0123456789abcdef01234567",
                                        "0123456789abcdef01234567fedcba9876543210fedcba9",
                                        "0123456789abcdef01234567fedcba9876543210fedcba988",
                                        "0123456789abcdef01234567fedcba9876543210fedcba9G",
                                        "g123456789abcdef01234567fedcba9876543210fedcba98",
                                        "0123456789abcdef0123456\0fedcba9876543210fedcba98"};
    struct object_id subscription_id, event_id;
    char again[DELIVERY_ID_TEXT];
    assert_int_equal(delivery_id_parse(slice_of(text), &subscription_id, &event_id), STATUS_OK);
    assert_int_equal(subscription_id.bytes[0], 0x01);
    assert_int_equal(event_id.bytes[0], 0xfe);
    delivery_id_format(&subscription_id, &event_id, again);
    assert_string_equal(again, text);
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        size_t length = i == 6 ? 48 : strlen(wrong[i]);
        assert_int_equal(delivery_id_parse((struct slice){wrong[i], length}, &subscription_id, &event_id),
                         STATUS_INVALID);
    }
}

static void what_is_finished_is_revived_with_a_fresh_budget(void **state)
{
    (void)state;
    struct delivery delivery = {.status = DELIVERY_FAILED,
                                .generation = 5,
                                .attempt_count = 9,
                                .budget_used = 9,
                                .finished_at_ms = 700,
                                .is_forced = true};
    delivery_revive(&delivery, 1000);
    assert_int_equal(delivery.status, DELIVERY_WAITING);
    assert_int_equal(delivery.generation, 6);
    assert_int_equal(delivery.attempt_count, 9);
    assert_int_equal(delivery.budget_used, 0);
    assert_int_equal(delivery.next_attempt_at_ms, 1000);
    assert_int_equal(delivery.finished_at_ms, 0);
    assert_true(delivery.is_forced);
}

static void what_waits_keeps_its_budget_when_it_is_revived(void **state)
{
    (void)state;
    struct delivery delivery = {.status = DELIVERY_WAITING, .budget_used = 2, .next_attempt_at_ms = 9000};
    delivery_revive(&delivery, 1000);
    assert_int_equal(delivery.budget_used, 2);
    assert_int_equal(delivery.next_attempt_at_ms, 1000);
}

static void what_was_cancelled_under_way_is_revived_when_its_lease_ends(void **state)
{
    (void)state;
    struct delivery delivery = {
        .status = DELIVERY_WAITING, .generation = 3, .lease_until_ms = 5000, .created_at_ms = 900};
    delivery_cancel(&delivery, 1000);
    assert_int_equal(delivery.status, DELIVERY_CANCELLED);
    assert_int_equal(delivery.generation, 4);
    assert_int_equal(delivery.finished_at_ms, 1000);
    assert_int_equal(delivery.next_attempt_at_ms, 0);
    delivery_revive(&delivery, 2000);
    assert_int_equal(delivery.next_attempt_at_ms, 5000);
    delivery_cancel(&delivery, 800);
    assert_int_equal(delivery.finished_at_ms, 900); /* not before it was created */
    delivery_revive(&delivery, 4999);
    assert_int_equal(delivery.next_attempt_at_ms, 5000);
    delivery_cancel(&delivery, 4999);
    delivery_revive(&delivery, 5000);
    assert_int_equal(delivery.next_attempt_at_ms, 5000);
    assert_int_equal(delivery.lease_until_ms, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(backoff_grows_by_six_within_jitter_up_to_the_cap),
        cmocka_unit_test(jitter_never_exceeds_the_cap),
        cmocka_unit_test(the_budget_is_one_attempt_and_the_policys_retries),
        cmocka_unit_test(no_number_of_attempts_overflows),
        cmocka_unit_test(fixed_delay_is_the_same_each_time_without_jitter),
        cmocka_unit_test(retry_after_counts_where_it_is_longer),
        cmocka_unit_test(retry_after_counts_for_429_and_503_alone),
        cmocka_unit_test(any_2xx_is_success),
        cmocka_unit_test(an_answer_that_never_ends_is_no_success),
        cmocka_unit_test(everything_else_is_retried),
        cmocka_unit_test(gone_fails_at_once_and_switches_off),
        cmocka_unit_test(names_are_those_of_the_api),
        cmocka_unit_test(names_are_read_exactly),
        cmocka_unit_test(ids_are_both_ids_in_48_digits),
        cmocka_unit_test(what_is_finished_is_revived_with_a_fresh_budget),
        cmocka_unit_test(what_waits_keeps_its_budget_when_it_is_revived),
        cmocka_unit_test(what_was_cancelled_under_way_is_revived_when_its_lease_ends),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
