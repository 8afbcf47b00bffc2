/* Events that concern many: what is answered, what follows later, and what a killed process leaves behind. The tests
 * share a store, because making so many subscriptions takes longer than all that is done with them. */
#include "conformance.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum {
    WIDE = 1200, /* more than are written with an event, and several of the worker's steps */
    REPORTS_MAX = 64
};

static int make_wide(void **state)
{
    fixture_make(state);
    for (int i = 0; i < WIDE; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        struct spec spec = {.name = name, .event = i % 2 ? "Wide.*" : "Wide.Event"};
        if (try_subscription(*state, &spec) != STATUS_OK)
            return -1;
    }
    return 0;
}

/* How many of the event's deliveries have that status; all of them are there, with rows or without. */
static size_t count_of(struct fixture *fixture, const struct event *event, enum delivery_status status)
{
    size_t count = 0;
    for (size_t i = 0; i < event->subscription_count; i++)
        count += get_delivery(fixture, &event->subscriptions[i], &event->id).status == status;
    return count;
}

/* Claims what is due and delivers it, until nothing is left; how many that were. */
static size_t deliver_all(struct fixture *fixture, int64_t now_ms)
{
    struct claims *claims = claims_new();
    struct settlement *settlements = mem_calloc(CLAIMS_MAX, sizeof *settlements);
    size_t delivered = 0;
    do {
        claim_all(fixture, now_ms, CLAIMS_MAX, claims);
        for (size_t i = 0; i < claims->count; i++)
            settlements[i] = (struct settlement){.claim = claims->items[i], .status = DELIVERY_DELIVERED};
        assert_int_equal(store_settle(fixture->store, now_ms, settlements, claims->count), STATUS_OK);
        for (size_t i = 0; i < claims->count; i++)
            delivered += settlements[i].was_applied;
    } while (claims->count > 0 || claims->next_due_ms <= now_ms);
    free(settlements);
    free(claims);
    return delivered;
}

/* ---- undisturbed ---- */

static void a_wide_event_gets_all_of_its_deliveries(void **state)
{
    struct fixture *fixture = *state;
    struct event found;
    struct event event = make_event(fixture, "Wide.Event", 1000);
    assert_int_equal(store_publish(fixture->store, &event, 1, NULL), STATUS_OK);
    assert_int_equal(event.subscription_count, WIDE);
    assert_int_equal(store_event_get(fixture->store, &event.id, &found), STATUS_OK);
    assert_int_equal(found.subscription_count, WIDE);
    assert_true(found.expanded_count < WIDE);
    assert_int_equal(count_of(fixture, &found, DELIVERY_WAITING), WIDE);
    event_clear(&found);
    assert_int_equal(deliver_all(fixture, 2000), WIDE);
    assert_int_equal(store_event_get(fixture->store, &event.id, &found), STATUS_OK);
    assert_int_equal(found.expanded_count, WIDE);
    assert_int_equal(count_of(fixture, &found, DELIVERY_DELIVERED), WIDE);
    event_clear(&found);
    event_clear(&event);
}

static void what_is_deleted_before_its_row_is_written_is_cancelled(void **state)
{
    struct fixture *fixture = *state;
    struct spec spec = {.name = "newest", .event = "Wide.Event"};
    assert_int_equal(try_subscription(fixture, &spec), STATUS_OK);
    struct object_id event = publish_at(fixture, "Wide.Event", 1000, NULL);
    assert_int_equal(get_delivery(fixture, &spec.id, &event).status, DELIVERY_WAITING);
    change_subscription(fixture, &spec.id, apply_delete);
    assert_int_equal(get_delivery(fixture, &spec.id, &event).status, DELIVERY_CANCELLED);
    assert_int_equal(deliver_all(fixture, 2000), WIDE);
    assert_int_equal(get_delivery(fixture, &spec.id, &event).status, DELIVERY_CANCELLED);
}

/* ---- killed ---- */

/* What the child says before it publishes an event, and when that was answered. */
struct report {
    struct object_id id;
    bool was_answered;
};

static void publish_and_report(struct fixture *fixture, int fd)
{
    for (;;) {
        struct event event = make_event(fixture, "Wide.Event", 1000);
        struct report report = {event.id, false};
        if (write(fd, &report, sizeof report) != sizeof report)
            return;
        report.was_answered = store_publish(fixture->store, &event, 1, NULL) == STATUS_OK;
        event_clear(&event);
        if (!report.was_answered || write(fd, &report, sizeof report) != sizeof report)
            return;
    }
}

static void claim_for_ever(struct fixture *fixture, int fd)
{
    struct claims *claims = claims_new();
    struct report report = {.was_answered = true};
    while (write(fd, &report, sizeof report) == sizeof report)
        claim_some(fixture, 2000, 1, 0, claims); /* expands, and claims nothing */
    free(claims);
}

/* A child with the store open, which reports through *fd. */
static pid_t start(struct fixture *fixture, void (*work)(struct fixture *, int), int *fd)
{
    int ends[2];
    assert_int_equal(pipe(ends), 0);
    fixture_close(fixture);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        fixture_open(fixture);
        work(fixture, ends[1]);
        _exit(1);
    }
    close(ends[1]);
    *fd = ends[0];
    return pid;
}

static void end_and_reopen(struct fixture *fixture, pid_t pid)
{
    int status;
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(waitpid(pid, &status, 0), pid);
    assert_true(WIFSIGNALED(status));
    fixture_open(fixture);
}

/* Reads reports until `count` events were answered; then kills in the middle of whatever is done next. */
static size_t kill_after(struct fixture *fixture, size_t count, struct report *reports)
{
    int fd;
    size_t known = 0;
    size_t answered = 0;
    struct report report;
    pid_t pid = start(fixture, publish_and_report, &fd);
    while (answered < count && read(fd, &report, sizeof report) == sizeof report) {
        answered += report.was_answered;
        known += !report.was_answered;
        reports[known - 1] = report;
    }
    assert_int_equal(answered, count);
    clock_sleep_ms((int64_t)count % 3); /* somewhere within the next one */
    end_and_reopen(fixture, pid);
    while (known < REPORTS_MAX && read(fd, &report, sizeof report) == sizeof report) {
        known += !report.was_answered;
        reports[known - 1] = report;
    }
    close(fd);
    return known;
}

/* All of the event or nothing, and all where it was answered. */
static bool is_there(struct fixture *fixture, const struct report *report)
{
    struct event event;
    enum status status = store_event_get(fixture->store, &report->id, &event);
    if (status == STATUS_NOT_FOUND) {
        assert_false(report->was_answered);
        return false;
    }
    assert_int_equal(status, STATUS_OK);
    assert_int_equal(event.subscription_count, WIDE);
    assert_int_equal(count_of(fixture, &event, DELIVERY_WAITING), WIDE);
    event_clear(&event);
    return true;
}

static void a_killed_publisher_leaves_whole_events_or_none(void **state)
{
    struct fixture *fixture = *state;
    struct report reports[REPORTS_MAX];
    size_t whole = 0;
    for (size_t round = 1; round <= 3; round++) {
        size_t known = kill_after(fixture, round, reports);
        for (size_t i = 0; i < known; i++)
            whole += is_there(fixture, &reports[i]);
    }
    assert_true(whole >= 1 + 2 + 3);
    assert_int_equal(deliver_all(fixture, 2000), whole * WIDE);
}

static void another_worker_goes_on_where_a_killed_one_stopped(void **state)
{
    enum { EVENTS = 3 };
    struct fixture *fixture = *state;
    struct object_id ids[EVENTS];
    publish_many(fixture, "Wide.Event", 1000, EVENTS, ids);
    for (int round = 1; round <= 3; round++) {
        int fd;
        struct report report;
        pid_t pid = start(fixture, claim_for_ever, &fd);
        assert_int_equal(read(fd, &report, sizeof report), sizeof report);
        clock_sleep_ms(2 * round); /* somewhere among its steps */
        end_and_reopen(fixture, pid);
        close(fd);
    }
    assert_int_equal(deliver_all(fixture, 2000), EVENTS * WIDE);
    assert_int_equal(deliver_all(fixture, 1000000), 0);
}

int run_wide_tests(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_wide_event_gets_all_of_its_deliveries),
        cmocka_unit_test(what_is_deleted_before_its_row_is_written_is_cancelled),
        cmocka_unit_test(a_killed_publisher_leaves_whole_events_or_none),
        cmocka_unit_test(another_worker_goes_on_where_a_killed_one_stopped),
    };
    return cmocka_run_group_tests_name("wide events", tests, make_wide, fixture_remove);
}
