/* Slots: what may start, in all, to each destination, and to doubtful ones together. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "delivery/slots.h"

enum { MANY = 600 };

struct fixture {
    char directory[32];
    struct shared_slots *shared;
    struct slots *slots;
    struct destination *taken[MANY];
    size_t count;
};

static struct fixture *fixture_new(size_t total, size_t per_destination)
{
    struct failure failure;
    struct fixture *fixture = mem_calloc(1, sizeof(*fixture));
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/hookturn-slots-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    assert_int_equal(shared_slots_open(fixture->directory, per_destination, &fixture->shared, &failure), STATUS_OK);
    fixture->slots = slots_new(total, per_destination, fixture->shared);
    return fixture;
}

static void fixture_free(struct fixture *fixture)
{
    char path[64];
    slots_free(fixture->slots);
    shared_slots_close(fixture->shared);
    (void)snprintf(path, sizeof(path), "%s/worker.slots", fixture->directory);
    (void)unlink(path);
    (void)rmdir(fixture->directory);
    free(fixture);
}

static const struct object_id some_id = {{1}};

static size_t plan(struct fixture *fixture, const char *name)
{
    return slots_plan(fixture->slots, name, &some_id);
}

/* A round of one destination: starts what can start of `wanted`. */
static size_t start(struct fixture *fixture, const char *name, size_t wanted)
{
    size_t promised = plan(fixture, name);
    size_t count = promised < wanted ? promised : wanted;
    slots_return(fixture->slots, promised - count);
    for (size_t i = 0; i < count; i++) {
        fixture->taken[fixture->count] = slots_take(fixture->slots, name);
        assert_non_null(fixture->taken[fixture->count++]);
    }
    (void)slots_end_round(fixture->slots);
    return count;
}

static void end_all(struct fixture *fixture, int32_t status, enum attempt_error error)
{
    while (fixture->count > 0)
        slots_give_back(fixture->slots, fixture->taken[--fixture->count], status, error, 1);
    slots_tidy(fixture->slots);
}

/* Its window is open as far as it goes. */
static void make_quick(struct fixture *fixture, const char *name, size_t per_destination)
{
    for (size_t i = 0; i < per_destination; i++) {
        assert_true(start(fixture, name, 1) == 1);
        end_all(fixture, 200, ATTEMPT_NO_ERROR);
    }
}

static void make_failing(struct fixture *fixture, const char *name)
{
    assert_true(start(fixture, name, 1) == 1);
    end_all(fixture, 0, ATTEMPT_TIMEOUT);
}

static void test_unknown_destination_starts_small_and_grows_to_its_limit(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 8);
    for (size_t size = WINDOW_START; size < 8; size *= 2) {
        assert_int_equal(start(fixture, "a:80", 100), size);
        end_all(fixture, 200, ATTEMPT_NO_ERROR);
    }
    assert_int_equal(start(fixture, "a:80", 100), 8);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(start(fixture, "a:80", 100), 8);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(start(fixture, "a:80", 100), 8);
    fixture_free(fixture);
}

static void test_failing_destination_shrinks_and_comes_back(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 8);
    make_quick(fixture, "a:80", 8);
    assert_int_equal(start(fixture, "a:80", 100), 8);
    end_all(fixture, 503, ATTEMPT_NO_ERROR);
    assert_int_equal(start(fixture, "a:80", 100), 1);
    make_quick(fixture, "b:80", 8);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    make_quick(fixture, "a:80", 8);
    assert_int_equal(start(fixture, "a:80", 100), 8);
    fixture_free(fixture);
}

static void test_ports_of_one_host_are_destinations_of_their_own(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 2);
    make_quick(fixture, "a:80", 2);
    assert_int_equal(start(fixture, "a:80", 10), 2);
    assert_int_equal(start(fixture, "a:80", 10), 0);
    assert_int_equal(start(fixture, "a:81", 10), WINDOW_START);
    fixture_free(fixture);
}

static void test_promises_no_more_than_is_free_in_all(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(20, 16);
    make_quick(fixture, "a:80", 16);
    make_quick(fixture, "b:80", 16);
    assert_int_equal(start(fixture, "a:80", 16), 16);
    assert_int_equal(slots_room(fixture->slots), 4);
    assert_int_equal(plan(fixture, "b:80"), 4);
    (void)slots_end_round(fixture->slots);
    fixture_free(fixture);
}

static void test_two_subscriptions_of_one_destination_share_what_is_not_needed(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 16);
    make_quick(fixture, "a:80", 16);
    assert_int_equal(plan(fixture, "a:80"), 16);
    assert_int_equal(plan(fixture, "a:80"), 0);
    assert_true(slots_end_round(fixture->slots).by_us);
    assert_int_equal(plan(fixture, "a:80"), 16);
    slots_return(fixture->slots, 15);
    assert_int_equal(plan(fixture, "a:80"), 15);
    assert_false(slots_end_round(fixture->slots).by_us);
    fixture_free(fixture);
}

static void test_promises_end_with_the_round(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 16);
    make_quick(fixture, "a:80", 16);
    assert_int_equal(plan(fixture, "a:80"), 16);
    assert_non_null(slots_take(fixture->slots, "a:80")); /* the one that was due */
    assert_false(slots_end_round(fixture->slots).by_us);
    assert_int_equal(plan(fixture, "a:80"), 15);
    (void)slots_end_round(fixture->slots);
    fixture_free(fixture);
}

static void test_request_that_was_not_promised_needs_a_place_as_well(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 2);
    assert_non_null(slots_take(fixture->slots, "a:80"));
    assert_non_null(slots_take(fixture->slots, "a:80"));
    assert_null(slots_take(fixture->slots, "a:80"));
    (void)slots_end_round(fixture->slots);
    fixture_free(fixture);
}

static void test_full_destination_is_passed_over_until_something_ends(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 2);
    assert_true(slots_may_start(fixture->slots, &some_id));
    assert_int_equal(start(fixture, "a:80", 2), WINDOW_START);
    assert_false(slots_may_start(fixture->slots, &some_id));
    assert_true(slots_end_round(fixture->slots).by_us);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    assert_true(slots_may_start(fixture->slots, &some_id));
    assert_false(slots_end_round(fixture->slots).by_us);
    fixture_free(fixture);
}

/* ---- beside another worker ---- */

struct other {
    struct shared_slots *shared;
    struct shared_hold hold; /* of a:80 */
};

static struct other other_open(struct fixture *fixture)
{
    struct failure failure;
    struct other other = {.shared = NULL};
    assert_int_equal(shared_slots_open(fixture->directory, 2, &other.shared, &failure), STATUS_OK);
    return other;
}

static size_t other_take(struct other *other, size_t wanted)
{
    return shared_slots_take(other->shared, shared_slots_id("a:80"), &other->hold, wanted);
}

static void other_close(struct other *other)
{
    shared_hold_clear(&other->hold);
    shared_slots_close(other->shared);
}

static void test_other_workers_places_are_not_ours(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 2);
    struct other other = other_open(fixture);
    make_quick(fixture, "a:80", 2);
    assert_int_equal(other_take(&other, 2), 2);
    assert_int_equal(plan(fixture, "a:80"), 0);
    assert_null(slots_take(fixture->slots, "a:80"));
    struct slots_refusals refusals = slots_end_round(fixture->slots);
    assert_true(refusals.by_others && !refusals.by_us);
    assert_int_equal(plan(fixture, "b:80"), WINDOW_START);
    (void)slots_end_round(fixture->slots);
    shared_slots_give_back(other.shared, shared_slots_id("a:80"), &other.hold, 1);
    assert_int_equal(start(fixture, "a:80", 2), 1);
    other_close(&other);
    fixture_free(fixture);
}

static void test_what_is_not_in_use_is_left_to_others(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 2);
    struct other other = other_open(fixture);
    assert_int_equal(start(fixture, "a:80", 1), 1);
    assert_int_equal(other_take(&other, 2), 1);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(other_take(&other, 2), 1);
    other_close(&other);
    fixture_free(fixture);
}

static void test_a_thousand_dead_destinations_leave_room_for_the_living(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(256, 16);
    char name[32];
    size_t started = 0;
    make_quick(fixture, "healthy:80", 16);
    for (int i = 0; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "d%d:80", i);
        started += start(fixture, name, 100);
    }
    assert_int_equal(started, 192); /* unknown: three quarters */
    assert_int_equal(start(fixture, "healthy:80", 100), 16);
    end_all(fixture, 0, ATTEMPT_TIMEOUT);
    make_quick(fixture, "healthy:80", 16);
    started = 0;
    for (int i = 0; i < 192; i++) { /* those that were tried */
        (void)snprintf(name, sizeof(name), "d%d:80", i);
        started += start(fixture, name, 100);
    }
    assert_int_equal(started, 64); /* failing: a quarter */
    for (int i = 192; i < 1000; i++) {
        (void)snprintf(name, sizeof(name), "d%d:80", i);
        started += start(fixture, name, 100);
    }
    assert_int_equal(started, 192);
    assert_int_equal(start(fixture, "healthy:80", 100), 16);
    fixture_free(fixture);
}

static void test_with_a_single_slot_everybody_has_a_turn(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(1, 16);
    make_failing(fixture, "dead:80");
    make_quick(fixture, "healthy:80", 3);
    make_failing(fixture, "dead:80");
    assert_int_equal(start(fixture, "unknown:80", 5), 1);
    fixture_free(fixture);
}

static void test_memory_of_destinations_is_bounded_and_forgets_the_oldest(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 16);
    char name[32];
    make_quick(fixture, "kept:80", 4);
    make_quick(fixture, "forgotten:80", 4);
    for (int i = 0; i < DESTINATIONS_REMEMBERED - 1; i++) {
        (void)snprintf(name, sizeof(name), "h%d:80", i);
        assert_int_equal(start(fixture, name, 1), 1);
        end_all(fixture, 200, ATTEMPT_NO_ERROR);
        if (i == DESTINATIONS_REMEMBERED / 2)
            assert_int_equal(start(fixture, "kept:80", 0), 0); /* used once more */
    }
    assert_int_equal(start(fixture, "kept:80", 100), 5);
    assert_int_equal(start(fixture, "forgotten:80", 100), WINDOW_START);
    fixture_free(fixture);
}

static void test_worst_destinations_come_first_and_healthy_ones_not_at_all(void **state)
{
    (void)state;
    struct slots_trouble worst[2];
    struct fixture *fixture = fixture_new(100, 16);
    make_quick(fixture, "healthy:80", 1);
    assert_int_equal(slots_worst(fixture->slots, worst, 2), 0);
    for (int i = 0; i < 3; i++)
        make_failing(fixture, "bad:80");
    make_failing(fixture, "worse:443");
    for (int i = 0; i < 4; i++)
        make_failing(fixture, "worse:443");
    make_failing(fixture, "hardly:80");
    assert_int_equal(start(fixture, "bad:80", 5), 1);
    assert_int_equal(slots_worst(fixture->slots, worst, 2), 2);
    assert_string_equal(worst[0].name, "worse:443");
    assert_int_equal(worst[0].failures, 5);
    assert_int_equal(worst[0].window, 1);
    assert_int_equal(worst[0].last_error, ATTEMPT_TIMEOUT);
    assert_string_equal(worst[1].name, "bad:80");
    assert_int_equal(worst[1].in_flight, 1);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(slots_worst(fixture->slots, worst, 2), 2);
    assert_string_equal(worst[1].name, "hardly:80");
    fixture_free(fixture);
}

/* A round in which each of the subscriptions wants a place: which of them get one, as bits. */
static unsigned round_of(struct fixture *fixture, unsigned count)
{
    unsigned served = 0;
    for (unsigned i = 0; i < count; i++) {
        const struct object_id id = {{(unsigned char)(i + 1)}};
        if (!slots_may_start(fixture->slots, &id) || slots_plan(fixture->slots, "a:80", &id) == 0)
            continue;
        fixture->taken[fixture->count++] = slots_take(fixture->slots, "a:80");
        served |= 1U << i;
    }
    return served;
}

static void test_subscriptions_of_one_destination_have_its_places_in_turn(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 1);
    for (unsigned turn = 0; turn < 9; turn++) {
        assert_int_equal(round_of(fixture, 3), 1U << turn % 3);
        assert_false(slots_end_round(fixture->slots).by_turn);
        end_all(fixture, 200, ATTEMPT_NO_ERROR);
    }
    fixture_free(fixture);
}

static void test_a_turn_that_is_not_taken_holds_up_one_round(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(100, 1);
    assert_int_equal(round_of(fixture, 2), 1);
    (void)slots_end_round(fixture->slots);
    end_all(fixture, 200, ATTEMPT_NO_ERROR);
    assert_int_equal(round_of(fixture, 1), 0); /* the second one has nothing any more */
    assert_true(slots_end_round(fixture->slots).by_turn);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(round_of(fixture, 1), 1);
        assert_false(slots_end_round(fixture->slots).by_turn);
        end_all(fixture, 200, ATTEMPT_NO_ERROR);
    }
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_unknown_destination_starts_small_and_grows_to_its_limit),
        cmocka_unit_test(test_failing_destination_shrinks_and_comes_back),
        cmocka_unit_test(test_ports_of_one_host_are_destinations_of_their_own),
        cmocka_unit_test(test_promises_no_more_than_is_free_in_all),
        cmocka_unit_test(test_two_subscriptions_of_one_destination_share_what_is_not_needed),
        cmocka_unit_test(test_subscriptions_of_one_destination_have_its_places_in_turn),
        cmocka_unit_test(test_a_turn_that_is_not_taken_holds_up_one_round),
        cmocka_unit_test(test_promises_end_with_the_round),
        cmocka_unit_test(test_request_that_was_not_promised_needs_a_place_as_well),
        cmocka_unit_test(test_full_destination_is_passed_over_until_something_ends),
        cmocka_unit_test(test_other_workers_places_are_not_ours),
        cmocka_unit_test(test_what_is_not_in_use_is_left_to_others),
        cmocka_unit_test(test_a_thousand_dead_destinations_leave_room_for_the_living),
        cmocka_unit_test(test_with_a_single_slot_everybody_has_a_turn),
        cmocka_unit_test(test_memory_of_destinations_is_bounded_and_forgets_the_oldest),
        cmocka_unit_test(test_worst_destinations_come_first_and_healthy_ones_not_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
