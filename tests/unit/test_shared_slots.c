/* Places shared by workers: two openings of the file stand for two workers, and a process that is killed for a third.
 */
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#include "base/mem.h"
#include "delivery/shared_slots.h"

enum { PLACES = 16, WORKERS = 3 };

struct fixture {
    char directory[32];
    struct shared_slots *workers[WORKERS];
    struct shared_hold holds[WORKERS];
    uint64_t id;
};

static int set_up(void **state)
{
    struct failure failure;
    struct fixture *fixture = mem_calloc(1, sizeof(*fixture));
    (void)snprintf(fixture->directory, sizeof(fixture->directory), "/tmp/hookturn-slots-XXXXXX");
    assert_non_null(mkdtemp(fixture->directory));
    for (int i = 0; i < WORKERS; i++)
        assert_int_equal(shared_slots_open(fixture->directory, PLACES, &fixture->workers[i], &failure), STATUS_OK);
    fixture->id = shared_slots_id("a.example:443");
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;
    char path[64];
    for (int i = 0; i < WORKERS; i++) {
        shared_hold_clear(&fixture->holds[i]);
        shared_slots_close(fixture->workers[i]);
    }
    (void)snprintf(path, sizeof(path), "%s/worker.slots", fixture->directory);
    (void)unlink(path);
    (void)rmdir(fixture->directory);
    free(fixture);
    return 0;
}

static size_t take(struct fixture *fixture, int worker, size_t wanted)
{
    return shared_slots_take(fixture->workers[worker], fixture->id, &fixture->holds[worker], wanted);
}

static void give_back(struct fixture *fixture, int worker, size_t count)
{
    shared_slots_give_back(fixture->workers[worker], fixture->id, &fixture->holds[worker], count);
}

static void test_one_worker_has_all_places_and_no_more(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(take(fixture, 0, 5), 5);
    assert_int_equal(take(fixture, 0, 100), PLACES - 5);
    assert_int_equal(take(fixture, 0, 1), 0);
    assert_int_equal(fixture->holds[0].count, PLACES);
    give_back(fixture, 0, PLACES);
    assert_int_equal(fixture->holds[0].count, 0);
    assert_int_equal(take(fixture, 0, PLACES), PLACES);
}

static void test_workers_share_the_places_of_a_destination(void **state)
{
    struct fixture *fixture = *state;
    assert_int_equal(take(fixture, 0, 10), 10);
    assert_int_equal(take(fixture, 1, 10), 6);
    assert_int_equal(take(fixture, 2, 10), 0);
    give_back(fixture, 0, 4);
    assert_int_equal(take(fixture, 2, 10), 4);
    assert_int_equal(take(fixture, 0, 1), 0);
}

static void test_another_destination_has_places_of_its_own(void **state)
{
    struct fixture *fixture = *state;
    struct shared_hold other = {0};
    assert_int_equal(take(fixture, 0, PLACES), PLACES);
    uint64_t id = shared_slots_id("a.example:444");
    assert_int_equal(shared_slots_take(fixture->workers[1], id, &other, PLACES), PLACES);
    shared_slots_give_back(fixture->workers[1], id, &other, PLACES);
}

/* Whatever the workers do, together they never have more than there are, and nothing gets lost. */
static void test_scattered_places_are_found_again(void **state)
{
    struct fixture *fixture = *state;
    unsigned seed = 1;
    for (int i = 0; i < 5000; i++) {
        int worker = rand_r(&seed) % WORKERS;
        size_t total = 0;
        size_t held = fixture->holds[worker].count;
        size_t count = (size_t)rand_r(&seed) % (PLACES / 2);
        for (int j = 0; j < WORKERS; j++)
            total += fixture->holds[j].count;
        assert_in_range(total, 0, PLACES);
        if (rand_r(&seed) % 2)
            assert_int_equal(take(fixture, worker, count), count < PLACES - total ? count : PLACES - total);
        else
            give_back(fixture, worker, count < held ? count : held);
    }
}

static void test_places_of_a_killed_worker_are_free(void **state)
{
    struct fixture *fixture = *state;
    int ready[2];
    char byte;
    assert_int_equal(pipe(ready), 0);
    pid_t pid = fork();
    if (pid == 0) {
        struct failure failure;
        struct shared_slots *mine;
        struct shared_hold hold = {0};
        bool is_good = shared_slots_open(fixture->directory, PLACES, &mine, &failure) == STATUS_OK &&
                       shared_slots_take(mine, fixture->id, &hold, PLACES) == PLACES;
        (void)!write(ready[1], is_good ? "y" : "n", 1);
        for (;;)
            (void)pause();
    }
    assert_int_equal(read(ready[0], &byte, 1), 1);
    assert_int_equal(byte, 'y');
    assert_int_equal(take(fixture, 0, 1), 0);
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, NULL, 0), pid);
    assert_int_equal(take(fixture, 0, PLACES), PLACES);
    (void)close(ready[0]);
    (void)close(ready[1]);
}

static void test_a_directory_that_is_not_there_is_said(void **state)
{
    (void)state;
    struct failure failure;
    struct shared_slots *shared;
    assert_int_equal(shared_slots_open("/nonexistent", PLACES, &shared, &failure), STATUS_IO);
    assert_non_null(strstr(failure.text, "/nonexistent/worker.slots"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_one_worker_has_all_places_and_no_more, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_workers_share_the_places_of_a_destination, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_destination_has_places_of_its_own, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_scattered_places_are_found_again, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_places_of_a_killed_worker_are_free, set_up, tear_down),
        cmocka_unit_test(test_a_directory_that_is_not_there_is_said),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
