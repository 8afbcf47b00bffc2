/* Slots: what may start, in all and to each host. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#include "delivery/slots.h"

static void take_many(struct slots *slots, const char *host, size_t count)
{
    for (size_t i = 0; i < count; i++)
        slots_take(slots, host);
}

static void test_promises_no_more_than_a_host_may_have(void **state)
{
    (void)state;
    struct slots *slots = slots_new(100, 16);
    assert_int_equal(slots_plan(slots, "a.example"), 16);
    (void)slots_end_round(slots);
    take_many(slots, "a.example", 10);
    assert_int_equal(slots_plan(slots, "a.example"), 6);
    assert_int_equal(slots_plan(slots, "b.example"), 16);
    slots_free(slots);
}

static void test_promises_no_more_than_is_free_in_all(void **state)
{
    (void)state;
    struct slots *slots = slots_new(20, 16);
    take_many(slots, "a.example", 16);
    assert_int_equal(slots_room(slots), 4);
    assert_int_equal(slots_plan(slots, "b.example"), 4);
    slots_free(slots);
}

static void test_two_subscriptions_of_one_host_share_its_slots(void **state)
{
    (void)state;
    struct slots *slots = slots_new(100, 16);
    assert_int_equal(slots_plan(slots, "a.example"), 16);
    assert_int_equal(slots_plan(slots, "a.example"), 0);
    assert_true(slots_end_round(slots));
    slots_free(slots);
}

static void test_promises_end_with_the_round(void **state)
{
    (void)state;
    struct slots *slots = slots_new(100, 16);
    assert_int_equal(slots_plan(slots, "a.example"), 16);
    slots_take(slots, "a.example"); /* the one that was due */
    assert_false(slots_end_round(slots));
    assert_int_equal(slots_plan(slots, "a.example"), 15);
    assert_false(slots_end_round(slots));
    slots_free(slots);
}

static void test_full_host_is_reported_as_refused(void **state)
{
    (void)state;
    struct slots *slots = slots_new(100, 2);
    take_many(slots, "a.example", 2);
    assert_int_equal(slots_plan(slots, "a.example"), 0);
    assert_true(slots_end_round(slots));
    slots_give_back(slots, "a.example");
    assert_int_equal(slots_plan(slots, "a.example"), 1);
    assert_false(slots_end_round(slots));
    slots_free(slots);
}

static void test_slots_come_back(void **state)
{
    (void)state;
    struct slots *slots = slots_new(1000, 2);
    char host[32];
    for (int round = 0; round < 3; round++) {
        for (int i = 0; i < 500; i++) {
            (void)snprintf(host, sizeof(host), "h%d.example", i);
            take_many(slots, host, 2);
        }
        assert_int_equal(slots_room(slots), 0);
        for (int i = 0; i < 1000; i++) {
            (void)snprintf(host, sizeof(host), "h%d.example", i % 500);
            slots_give_back(slots, host);
        }
        assert_int_equal(slots_room(slots), 1000);
    }
    slots_free(slots);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_promises_no_more_than_a_host_may_have),
        cmocka_unit_test(test_promises_no_more_than_is_free_in_all),
        cmocka_unit_test(test_two_subscriptions_of_one_host_share_its_slots),
        cmocka_unit_test(test_promises_end_with_the_round),
        cmocka_unit_test(test_full_host_is_reported_as_refused),
        cmocka_unit_test(test_slots_come_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
