/* The figures: what waits, counted in steps, and how much room the store takes. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

struct sums {
    uint64_t due, later, held;
    size_t visits;
};

static void add(void *context, const struct store_backlog *backlog)
{
    struct sums *sums = context;
    assert_false(backlog->subscription->is_deleted);
    sums->visits++;
    if (!backlog->subscription->active) {
        sums->held += backlog->due + backlog->later;
        return;
    }
    sums->due += backlog->due;
    sums->later += backlog->later;
}

static struct sums count_all(struct fixture *fixture, int64_t now_ms, size_t *steps)
{
    struct sums sums = {.due = 0};
    struct store_place place = {.length = 0};
    *steps = 0;
    do {
        assert_int_equal(store_backlog_step(fixture->store, now_ms, &place, add, &sums), STATUS_OK);
        ++*steps;
    } while (place.length > 0);
    return sums;
}

static void nothing_waits_in_an_empty_store(void **state)
{
    size_t steps;
    struct sums sums = count_all(*state, 1000, &steps);
    assert_int_equal(sums.visits, 0);
    assert_int_equal(steps, 1);
}

static void what_waits_is_counted_by_its_state(void **state)
{
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id events[4];
    size_t steps;
    add_subscription(fixture, "active");
    struct object_id paused = add_subscription(fixture, "paused");
    struct object_id deleted = add_subscription(fixture, "deleted");
    publish_many(fixture, "A.B", 1000, 4, events);
    change_subscription(fixture, &paused, apply_pause);
    change_subscription(fixture, &deleted, apply_delete);
    claim_some(fixture, 1000, 1, 1, claims); /* takes all over, and works on one */
    struct sums sums = count_all(fixture, 1002, &steps);
    assert_int_equal(sums.due, 2);   /* 1001 and 1002 */
    assert_int_equal(sums.later, 2); /* 1003, and the one that is worked on */
    assert_int_equal(sums.held, 4);
    assert_int_equal(sums.visits, 2);
    free(claims);
}

static void many_are_counted_in_several_steps_and_each_once(void **state)
{
    enum { EVENTS = 700 };
    struct fixture *fixture = *state;
    struct claims *claims = claims_new();
    struct object_id *events = mem_calloc(EVENTS, sizeof *events);
    size_t steps;
    add_subscription(fixture, "s");
    add_subscription(fixture, "t");
    publish_many(fixture, "A.B", 1000, EVENTS, events);
    do {
        claim_some(fixture, 500, 10, 0, claims);
    } while (claims->next_due_ms <= 500);
    struct sums sums = count_all(fixture, 1000 + EVENTS, &steps);
    assert_int_equal(sums.due, 2 * EVENTS);
    assert_true(steps > 3 && sums.visits >= steps);
    free(events);
    free(claims);
}

static void the_store_knows_how_much_room_it_takes(void **state)
{
    struct fixture *fixture = *state;
    struct store_usage usage;
    assert_int_equal(store_usage(fixture->store, &usage), STATUS_OK);
    assert_true(usage.data_bytes > 0 && usage.log_bytes > 0 && usage.log_files > 0 && usage.free_bytes > 0);
}

int run_backlog_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(nothing_waits_in_an_empty_store),
        CONFORMANCE_TEST(what_waits_is_counted_by_its_state),
        CONFORMANCE_TEST(many_are_counted_in_several_steps_and_each_once),
        CONFORMANCE_TEST(the_store_knows_how_much_room_it_takes),
    };
    return cmocka_run_group_tests_name("figures", tests, NULL, NULL);
}
