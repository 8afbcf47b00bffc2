/* When a subscription is switched off: a table of what was before and what comes of it. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/mem.h"
#include "model/health.h"

#define DAY INT64_C(86400000)
#define NOW (100 * DAY)

static void failing_begins_with_the_first_failure_and_ends_with_a_success(void **state)
{
    (void)state;
    static const struct {
        int64_t before, activated;
        bool has_succeeded;
        int64_t after;
    } rows[] = {
        {0, 0, false, NOW},                           /* the first failure */
        {NOW - DAY, 0, false, NOW - DAY},             /* one more */
        {NOW - DAY, 0, true, 0},                      /* a success */
        {0, 0, true, 0},                              /* another one */
        {NOW - DAY, NOW - 2 * DAY, false, NOW - DAY}, /* activated before it began to fail */
        {NOW - DAY, NOW - DAY, false, NOW - DAY},     /* in the same moment */
        {NOW - 2 * DAY, NOW - DAY, false, NOW},       /* a pause, or a fresh start, lies between */
        {0, NOW - 9 * DAY, false, NOW},               /* active for long, and nothing failed */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(health_failing_since(rows[i].before, rows[i].activated, rows[i].has_succeeded, NOW),
                         rows[i].after);
}

static void a_subscription_is_switched_off_at_the_end_of_its_time_and_at_once_when_it_is_gone(void **state)
{
    (void)state;
    static const struct {
        const char *gone_url;
        int64_t failing_since_ms;
        enum disabled_reason reason;
    } rows[] = {
        {NULL, 0, DISABLED_NOT},
        {NULL, NOW, DISABLED_NOT},
        {NULL, NOW - 5 * DAY + 1, DISABLED_NOT},
        {NULL, NOW - 5 * DAY, DISABLED_FAILING},
        {NULL, NOW - 50 * DAY, DISABLED_FAILING},
        {NULL, NOW + DAY, DISABLED_NOT}, /* the clock was set back */
        {"http://gone/", 0, DISABLED_GONE},
        {"http://gone/", NOW - 50 * DAY, DISABLED_GONE},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_int_equal(health_verdict(rows[i].gone_url, rows[i].failing_since_ms, NOW, 5 * DAY).reason,
                         rows[i].reason);
}

static bool switch_off_one(bool active, const char *url, int64_t activated_at_ms, struct switch_off why)
{
    struct subscription subscription = {.active = active, .url = mem_strdup(url), .activated_at_ms = activated_at_ms};
    bool is_off = subscription_switch_off(&subscription, &why);
    assert_int_equal(subscription.active, active && !is_off);
    assert_int_equal(subscription.disabled_reason, is_off ? why.reason : DISABLED_NOT);
    subscription_clear(&subscription);
    return is_off;
}

static void what_the_customer_did_since_stands(void **state)
{
    (void)state;
    const struct switch_off gone = {.reason = DISABLED_GONE, .url = "http://gone/"};
    const struct switch_off failing = {.reason = DISABLED_FAILING, .failing_since_ms = NOW};
    assert_true(switch_off_one(true, "http://gone/", NOW + DAY, gone));
    assert_false(switch_off_one(true, "http://other/", 0, gone));
    assert_false(switch_off_one(false, "http://gone/", 0, gone));
    assert_true(switch_off_one(true, "http://gone/", NOW, failing));
    assert_false(switch_off_one(true, "http://gone/", NOW + 1, failing));
    assert_false(switch_off_one(false, "http://gone/", NOW, failing));
    assert_false(switch_off_one(true, "http://gone/", 0, (struct switch_off){.reason = DISABLED_NOT}));
}

static void reasons_have_the_names_of_the_api(void **state)
{
    (void)state;
    assert_string_equal(disabled_reason_name(DISABLED_GONE), "GONE");
    assert_string_equal(disabled_reason_name(DISABLED_FAILING), "FAILING");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(failing_begins_with_the_first_failure_and_ends_with_a_success),
        cmocka_unit_test(a_subscription_is_switched_off_at_the_end_of_its_time_and_at_once_when_it_is_gone),
        cmocka_unit_test(what_the_customer_did_since_stands),
        cmocka_unit_test(reasons_have_the_names_of_the_api),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
