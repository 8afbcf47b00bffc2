/* The worker's loop over a store that misbehaves, against a receiver on loopback. */
#include "worker_fixture.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log.h"
#include "store/worker_lock.h"

#define OK_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define EMPTY_ANSWER(status) "HTTP/1.1 " status "\r\nContent-Length: 0\r\n\r\n"

static void test_once_delivers_all_that_is_due(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 30);
    run_once(fixture, STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_DELIVERED), 30);
    assert_int_equal(fixture->store.deliveries[0].last.signature_count, 1);
    assert_in_range(fixture->store.most_leased, 1, 2); /* destination_concurrency */
    assert_non_null(strstr(fixture->server.request, "\r\nX-Webhook-Attempt: 1\r\n"));
    assert_non_null(strstr(fixture->server.request, "\r\nX-Webhook-Signature: t="));
    assert_non_null(strstr(fixture->server.request, "\r\nwebhook-signature: v1,"));
    fixture_free(fixture);
}

/* For cron, which starts one after another: each of them also does its share of the housekeeping. */
static void test_once_completes_a_pass_of_housekeeping(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 1);
    fixture->store.upkeeps_of_a_pass = 40;
    run_once(fixture, STATUS_OK);
    assert_int_equal(fixture->store.upkeeps, 40);
    fixture_free(fixture);
}

static void test_once_leaves_later_retries_alone(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(EMPTY_ANSWER("500 Bad"), THEN_CLOSE, 3);
    run_once(fixture, STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_WAITING), 3);
    assert_int_equal(fixture->store.deliveries[2].claim.attempt_count, 1);
    assert_true(fixture->store.deliveries[2].due_at_ms > clock_now_ms() + 50000);
    fixture_free(fixture);
}

static void test_passing_trouble_is_waited_out(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 3);
    fixture->store.claim_failures = (struct fake_failures){2, STATUS_AGAIN};
    fixture->store.settle_failures = (struct fake_failures){2, STATUS_FULL};
    run_once(fixture, STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_DELIVERED), 3);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 1);
    fixture_free(fixture);
}

static void test_lost_store_ends_the_worker(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 1);
    fixture->store.is_leaving = true;
    run_once(fixture, STATUS_UNAVAILABLE);
    fixture->store.is_leaving = false;
    fixture->store.claim_failures = (struct fake_failures){1, STATUS_UNAVAILABLE};
    run_once(fixture, STATUS_UNAVAILABLE);
    fixture->store.settle_failures = (struct fake_failures){1, STATUS_UNAVAILABLE};
    run_once(fixture, STATUS_UNAVAILABLE);
    fixture_free(fixture);
}

static void test_pause_after_the_claim_hands_it_back(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 1);
    fixture->store.pauses_after_claim = true;
    run_once(fixture, STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_WAITING), 1);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 0);
    assert_int_equal(fixture->store.deliveries[0].releases, 1);
    fixture_free(fixture);
}

static void test_lease_too_short_for_an_attempt_is_handed_back_without_haste(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 1);
    const struct worker_options options = {.lock_fd = -1, .for_ms = 300};
    fixture->store.lease_cut_ms = 8500;
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 0);
    assert_in_range(fixture->store.deliveries[0].releases, 2, 10);
    fixture_free(fixture);
}

static void test_gone_receiver_switches_the_subscription_off(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(EMPTY_ANSWER("410 Gone"), THEN_CLOSE, 1);
    run_once(fixture, STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_FAILED), 1);
    assert_false(fixture->store.subscription.active);
    assert_int_equal(fixture->store.subscription.disabled_reason, DISABLED_GONE);
    fixture_free(fixture);
}

static void test_settlement_that_came_too_late_switches_nothing_off(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(EMPTY_ANSWER("410 Gone"), THEN_CLOSE, 1);
    const struct worker_options options = {.lock_fd = -1, .for_ms = 400};
    fixture->conf.request_timeout_ms = 100;
    fixture->store.lease_cut_ms = 7950; /* 1150 ms are left */
    fixture->store.settle_failures = (struct fake_failures){1000, STATUS_AGAIN};
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_true(fixture->store.subscription.active);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 0);
    fixture_free(fixture);
}

static void test_unreadable_event_is_a_failed_attempt(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 1);
    fixture->store.has_event = false;
    run_once(fixture, STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_WAITING), 1);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 1);
    assert_int_equal(fixture->store.deliveries[0].last.error, ATTEMPT_PROTOCOL);
    fixture_free(fixture);
}

static void test_secret_that_does_not_open_is_never_sent_unsigned(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 1);
    fixture->store.subscription.secrets.items[0].sealed.data[20] ^= 1;
    run_once(fixture, STATUS_OK);
    assert_int_equal(fixture->store.deliveries[0].last.error, ATTEMPT_PROTOCOL);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 1);
    server_stop(&fixture->server);
    assert_int_equal(fixture->server.connections, 0);
    server_start(&fixture->server, (struct script){.then = THEN_CLOSE});
    fixture_free(fixture);
}

static void test_stop_hands_back_what_does_not_finish(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(NULL, THEN_HANG, 2);
    volatile sig_atomic_t stop = 0;
    const struct worker_options options = {.lock_fd = -1, .for_ms = 100, .stop = &stop};
    int64_t before_ms = clock_monotonic_ms();
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_in_range(clock_monotonic_ms() - before_ms, WORKER_STOP_GRACE_MS, WORKER_STOP_GRACE_MS + 1000);
    assert_int_equal(count_of(fixture, DELIVERY_WAITING), 2);
    assert_int_equal(fixture->store.deliveries[0].releases, 1);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 0);
    assert_true(fixture->store.claims < 10); /* nothing was hurried meanwhile */
    stop = 1;
    before_ms = clock_monotonic_ms();
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_true(clock_monotonic_ms() - before_ms < 500);
    fixture_free(fixture);
}

static void test_idle_worker_does_next_to_nothing(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 0);
    const struct worker_options options = {.lock_fd = -1, .for_ms = 600};
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_in_range(fixture->store.claims, 2, 4);
    assert_int_equal(fixture->store.states_written, 2); /* at the start and at the end */
    fixture_free(fixture);
}

/* ---- when it ends by itself ---- */

static int take_lock(struct fixture *fixture)
{
    struct failure failure;
    assert_int_equal(worker_lock_take(data_directory, &fixture->store.lock_fd, &failure), STATUS_OK);
    return fixture->store.lock_fd;
}

static void test_worker_ends_when_it_was_idle_for_so_long(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 3);
    const struct worker_options options = {.lock_fd = take_lock(fixture), .idle_ms = 400};
    int64_t before_ms = clock_monotonic_ms();
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_in_range(clock_monotonic_ms() - before_ms, 400, 3000);
    assert_int_equal(count_of(fixture, DELIVERY_DELIVERED), 3);
    assert_false(worker_lock_is_held(data_directory));
    close(options.lock_fd);
    fixture_free(fixture);
}

static void test_worker_stays_for_retries_that_wait(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(EMPTY_ANSWER("500 Bad"), THEN_CLOSE, 1);
    const struct worker_options options = {.lock_fd = take_lock(fixture), .idle_ms = 50};
    fixture->conf.retry_max_delay_ms = 1000;
    fixture->conf.retry_attempts = 1;
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, NULL), STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_FAILED), 1);
    assert_int_equal(fixture->store.deliveries[0].claim.attempt_count, 2);
    close(options.lock_fd);
    fixture_free(fixture);
}

/* A publisher saw the lock held, so it started no worker, and the lock was let go the moment after. */
static void publish_once_let_go(struct store *store)
{
    if (worker_lock_is_held(data_directory))
        return;
    store->delivery_count = 2;
    store->before_claim = NULL;
}

static void check_nothing_is_missed(struct worker_options options)
{
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 2);
    fixture->store.delivery_count = 0;
    fixture->store.before_claim = publish_once_let_go;
    options.lock_fd = take_lock(fixture);
    bool leaves_work;
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, &leaves_work), STATUS_OK);
    assert_null(fixture->store.before_claim);
    assert_int_equal(count_of(fixture, options.for_ms ? DELIVERY_WAITING : DELIVERY_DELIVERED), 2);
    assert_int_equal(leaves_work, options.for_ms != 0);
    close(options.lock_fd);
    fixture_free(fixture);
}

static void test_what_is_published_at_the_last_moment_is_not_missed(void **state)
{
    (void)state;
    check_nothing_is_missed((struct worker_options){.idle_ms = 100});
    check_nothing_is_missed((struct worker_options){.once = true});
    check_nothing_is_missed((struct worker_options){.for_ms = 100});
}

static void test_worker_that_was_stopped_asks_for_no_successor(void **state)
{
    (void)state;
    struct fixture *fixture = fixture_new(OK_ANSWER, THEN_CLOSE, 2);
    volatile sig_atomic_t stop = 1;
    const struct worker_options options = {.lock_fd = -1, .for_ms = 100, .stop = &stop};
    bool leaves_work = true;
    assert_int_equal(worker_run(&fixture->store, &fixture->conf, &options, &leaves_work), STATUS_OK);
    assert_int_equal(count_of(fixture, DELIVERY_WAITING), 2);
    assert_false(leaves_work);
    fixture_free(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_once_delivers_all_that_is_due),
        cmocka_unit_test(test_once_completes_a_pass_of_housekeeping),
        cmocka_unit_test(test_once_leaves_later_retries_alone),
        cmocka_unit_test(test_passing_trouble_is_waited_out),
        cmocka_unit_test(test_lost_store_ends_the_worker),
        cmocka_unit_test(test_pause_after_the_claim_hands_it_back),
        cmocka_unit_test(test_lease_too_short_for_an_attempt_is_handed_back_without_haste),
        cmocka_unit_test(test_gone_receiver_switches_the_subscription_off),
        cmocka_unit_test(test_settlement_that_came_too_late_switches_nothing_off),
        cmocka_unit_test(test_unreadable_event_is_a_failed_attempt),
        cmocka_unit_test(test_secret_that_does_not_open_is_never_sent_unsigned),
        cmocka_unit_test(test_stop_hands_back_what_does_not_finish),
        cmocka_unit_test(test_idle_worker_does_next_to_nothing),
        cmocka_unit_test(test_worker_ends_when_it_was_idle_for_so_long),
        cmocka_unit_test(test_worker_stays_for_retries_that_wait),
        cmocka_unit_test(test_what_is_published_at_the_last_moment_is_not_missed),
        cmocka_unit_test(test_worker_that_was_stopped_asks_for_no_successor),
    };
    (void)log_open(LOG_LEVEL_WARN, NULL, NULL);
    return cmocka_run_group_tests(tests, make_data_directory, remove_data_directory);
}
