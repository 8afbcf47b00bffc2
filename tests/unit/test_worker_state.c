/* The figures that workers leave for others. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "store/worker_state.h"

static char directory[] = "/tmp/hookturn-worker-XXXXXX";

static int make_directory(void **state)
{
    (void)state;
    return mkdtemp(directory) ? 0 : -1;
}

static const char *path_of(const char *name)
{
    static char path[128];
    snprintf(path, sizeof path, "%s/%s", directory, name);
    return path;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int remove_files(void **state)
{
    (void)state;
    unlink(path_of("worker.state"));
    unlink(path_of("worker.state.new"));
    return 0;
}

static struct worker_state read_state(void)
{
    struct worker_state read;
    worker_state_read(directory, &read);
    return read;
}

static void without_any_worker_nothing_is_known(void **state)
{
    (void)state;
    struct worker_state read = read_state();
    assert_false(read.is_running);
    assert_int_equal(read.last_run_at_ms, 0);
    assert_int_equal(read.oldest_due_seconds, -1);
    worker_state_read("/nonexistent", &read);
    assert_false(read.is_running);
}

#define NOON INT64_C(1781259300000) /* the start of a minute */
#define MINUTE INT64_C(60000)

static const struct attempt taken = {.response_status = 200};
static const struct attempt refused = {.response_status = 500};
static const struct attempt unheard = {.error = ATTEMPT_TIMEOUT};

static void write_counts(int64_t now_ms, struct worker_counts *counts)
{
    assert_int_equal(worker_state_write(directory, now_ms, 0, NULL, NULL, counts), STATUS_OK);
}

static void write_attempts(int64_t now_ms, int succeeded, int failed)
{
    struct worker_counts counts = {{0}};
    for (int i = 0; i < succeeded; i++)
        worker_counts_attempt(&counts, &taken, DELIVERY_DELIVERED);
    for (int i = 0; i < failed; i++)
        worker_counts_attempt(&counts, &refused, DELIVERY_WAITING);
    write_counts(now_ms, &counts);
}

static void what_was_written_last_is_read(void **state)
{
    (void)state;
    struct worker_counts none = {{0}};
    assert_int_equal(worker_state_write(directory, NOON, 7, NULL, NULL, &none), STATUS_OK);
    assert_int_equal(worker_state_write(directory, NOON + 1000, -1, NULL, NULL, &none), STATUS_OK);
    struct worker_state read = read_state();
    assert_int_equal(read.last_run_at_ms, NOON + 1000);
    assert_int_equal(read.oldest_due_seconds, -1);
    assert_int_equal(read.since_ms, NOON);
    struct stat file;
    assert_int_equal(stat(path_of("worker.state"), &file), 0);
    assert_int_equal(file.st_mode & 0777, 0600);
    assert_int_equal(access(path_of("worker.state.new"), F_OK), -1);
}

static void attempts_are_counted_by_their_outcome(void **state)
{
    (void)state;
    const struct attempt cut = {.response_status = 200, .error = ATTEMPT_TOO_LARGE};
    const struct attempt garbled = {.error = ATTEMPT_PROTOCOL};
    struct worker_counts counts = {{0}};
    worker_counts_attempt(&counts, &taken, DELIVERY_DELIVERED);
    worker_counts_attempt(&counts, &cut, DELIVERY_DELIVERED);
    worker_counts_attempt(&counts, &refused, DELIVERY_WAITING);
    worker_counts_attempt(&counts, &unheard, DELIVERY_WAITING);
    worker_counts_attempt(&counts, &garbled, DELIVERY_FAILED);
    write_counts(NOON, &counts);
    struct worker_state read = read_state();
    assert_int_equal(read.counts.of[WORKER_ATTEMPTS_DELIVERED], 2);
    assert_int_equal(read.counts.of[WORKER_ATTEMPTS_STATUS], 1);
    assert_int_equal(read.counts.of[WORKER_ATTEMPTS_TIMEOUT], 1);
    assert_int_equal(read.counts.of[WORKER_ATTEMPTS_TOO_LARGE], 0);
    assert_int_equal(read.counts.of[WORKER_ATTEMPTS_PROTOCOL], 1);
    assert_int_equal(read.counts.of[WORKER_DELIVERIES_DELIVERED], 2);
    assert_int_equal(read.counts.of[WORKER_DELIVERIES_FAILED], 1);
    assert_string_equal(worker_count_name(WORKER_DELIVERIES_FAILED), "deliveries_failed");
}

static void what_was_handed_in_is_not_counted_again(void **state)
{
    (void)state;
    struct worker_counts counts = {{0}};
    worker_counts_attempt(&counts, &taken, DELIVERY_DELIVERED);
    write_counts(NOON, &counts);
    write_counts(NOON, &counts);
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], 1);
}

static void what_could_not_be_written_is_kept(void **state)
{
    (void)state;
    struct worker_counts counts = {{0}};
    worker_counts_attempt(&counts, &taken, DELIVERY_DELIVERED);
    int fd = open(path_of("worker.state.new"), O_WRONLY | O_CREAT, 0600);
    assert_int_equal(flock(fd, LOCK_EX), 0); /* a worker that was stopped in the act */
    assert_int_equal(worker_state_write(directory, NOON, 0, NULL, NULL, &counts), STATUS_AGAIN);
    assert_int_equal(worker_state_write("/nonexistent", NOON, 0, NULL, NULL, &counts), STATUS_IO);
    close(fd);
    write_counts(NOON, &counts);
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], 1);
}

enum { WRITERS = 4, WRITES = 200 };

static void writers_side_by_side_lose_nothing(void **state)
{
    (void)state;
    for (int i = 0; i < WRITERS; i++) {
        if (fork() != 0)
            continue;
        struct worker_counts counts = {{0}};
        enum status status = STATUS_OK;
        for (int j = 0; j < WRITES; j++) {
            worker_counts_attempt(&counts, &taken, DELIVERY_DELIVERED);
            status =
                worker_state_write(directory, NOON, 0, NULL, NULL, &counts); /* what fails is handed in with the next */
        }
        while (status == STATUS_AGAIN)
            status = worker_state_write(directory, NOON, 0, NULL, NULL, &counts);
        _exit(status != STATUS_OK);
    }
    for (int i = 0; i < WRITERS; i++) {
        int ended;
        assert_true(wait(&ended) > 0);
        assert_int_equal(ended, 0);
    }
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], WRITERS * WRITES);
    assert_int_equal(worker_state_rates(&(struct worker_state){0}, NOON).hour_succeeded, 0);
}

static struct worker_rates rates_at(int64_t now_ms)
{
    struct worker_state read = read_state();
    return worker_state_rates(&read, now_ms);
}

static void time_that_passes_empties_the_rates_and_not_the_counts(void **state)
{
    (void)state;
    write_attempts(NOON, 60, 6);
    assert_int_equal(rates_at(NOON + 1000).minute_succeeded, 60);
    assert_int_equal(rates_at(NOON + 1000).minute_failed, 6);
    assert_int_equal(rates_at(NOON + MINUTE + 30000).minute_succeeded, 30);
    assert_int_equal(rates_at(NOON + 2 * MINUTE).minute_succeeded, 0);
    assert_int_equal(rates_at(NOON + 2 * MINUTE).hour_succeeded, 60);
    assert_int_equal(rates_at(NOON + 60 * MINUTE + 30000).hour_failed, 3);
    assert_int_equal(rates_at(NOON + 61 * MINUTE).hour_succeeded, 0);
    write_attempts(NOON + 61 * MINUTE, 1, 0); /* the same place in the ring */
    assert_int_equal(rates_at(NOON + 61 * MINUTE).hour_succeeded, 1);
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], 61);
}

static void a_clock_that_is_set_back_loses_no_counts(void **state)
{
    (void)state;
    write_attempts(NOON, 5, 0);
    write_attempts(NOON - 3 * MINUTE, 2, 0);
    assert_int_equal(rates_at(NOON - 3 * MINUTE).hour_succeeded, 2); /* the others are yet to come */
    assert_int_equal(rates_at(NOON).hour_succeeded, 7);
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], 7);
    assert_int_equal(read_state().last_run_at_ms, NOON - 3 * MINUTE);
}

static void replace_figures(const char *bytes, size_t length)
{
    FILE *file = fopen(path_of("worker.state"), "w");
    assert_non_null(file);
    assert_int_equal(fwrite(bytes, 1, length, file), length);
    fclose(file);
}

/* Cut anywhere, or with any one byte turned into something else: either still what a worker wrote, or not known. */
static void damaged_figures_are_not_known_and_begin_anew(void **state)
{
    (void)state;
    char text[WORKER_STATE_MAX_BYTES];
    write_attempts(NOON, 5, 1);
    FILE *file = fopen(path_of("worker.state"), "r");
    assert_non_null(file);
    size_t length = fread(text, 1, sizeof text, file);
    fclose(file);
    for (size_t i = 0; i < length; i++) {
        replace_figures(text, i);
        bool is_before_minutes = text[i] == 'm' && text[i - 1] == '\n';
        assert_int_equal(read_state().last_run_at_ms, is_before_minutes ? NOON : 0);
        char kept = text[i];
        text[i] = '?';
        replace_figures(text, length);
        assert_int_equal(read_state().last_run_at_ms, 0);
        assert_int_equal(read_state().oldest_due_seconds, -1);
        text[i] = kept;
    }
    write_attempts(NOON, 1, 0);
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], 1);
}

static void numbers_beyond_every_bound_are_damage(void **state)
{
    (void)state;
    struct worker_state read = {.oldest_due_seconds = -1};
    struct buf text = {0};
    worker_state_encode(&(struct worker_state){.last_run_at_ms = INT64_MAX, .counts = {{INT64_MAX}}}, &text);
    assert_true(worker_state_decode(buf_slice(&text), &read));
    assert_int_equal(read.counts.of[0], INT64_MAX);
    buf_reset(&text);
    worker_state_encode(&(struct worker_state){.counts = {{UINT64_MAX}}}, &text);
    assert_false(worker_state_decode(buf_slice(&text), &read));
    buf_clear(&text);
}

/* The largest that there can be. */
static void a_full_ring_fits_into_the_file(void **state)
{
    (void)state;
    struct worker_state full = {.last_run_at_ms = INT64_MAX, .oldest_due_seconds = INT64_MAX, .since_ms = INT64_MAX};
    struct worker_state read = {.since_ms = 0};
    struct buf text = {0};
    for (int i = 0; i < WORKER_COUNTS; i++)
        full.counts.of[i] = INT64_MAX;
    for (int i = 0; i < WORKER_MINUTES; i++)
        full.minutes[i] =
            (struct worker_minute){INT64_MAX / MINUTE / WORKER_MINUTES * WORKER_MINUTES + i, INT64_MAX, INT64_MAX};
    full.backlog = (struct worker_backlog){INT64_MAX, INT64_MAX, INT64_MAX, INT64_MAX, .destination_count = 10};
    for (int i = 0; i < WORKER_DESTINATIONS; i++) {
        full.backlog.destinations[i].due = INT64_MAX;
        memset(full.backlog.destinations[i].host, 'a', URL_HOST_SIZE - 1);
    }
    worker_state_encode(&full, &text);
    assert_true(text.length <= WORKER_STATE_MAX_BYTES);
    assert_true(worker_state_decode(buf_slice(&text), &read));
    assert_memory_equal(read.minutes, full.minutes, sizeof full.minutes);
    buf_clear(&text);
}

static void attempts_are_counted_by_how_long_they_took(void **state)
{
    (void)state;
    static const int64_t durations_ms[] = {-1, 0, 10, 11, 60000, 60001, INT32_MAX};
    struct worker_counts counts = {{0}};
    for (size_t i = 0; i < sizeof durations_ms / sizeof durations_ms[0]; i++) {
        struct attempt attempt = {.response_status = 200, .duration_ms = durations_ms[i]};
        worker_counts_attempt(&counts, &attempt, DELIVERY_DELIVERED);
    }
    write_counts(NOON, &counts);
    struct worker_state read = read_state();
    assert_int_equal(read.counts.of[WORKER_DURATIONS], 3);
    assert_int_equal(read.counts.of[WORKER_DURATIONS + 1], 1);
    assert_int_equal(read.counts.of[WORKER_DURATIONS + WORKER_DURATION_BUCKETS - 2], 1);
    assert_int_equal(read.counts.of[WORKER_DURATIONS + WORKER_DURATION_BUCKETS - 1], 2);
    assert_int_equal(read.counts.of[WORKER_DURATION_SUM_MS], 10 + 11 + 60000 + 60001 + (int64_t)INT32_MAX);
    for (int i = 1; i < WORKER_DURATION_BUCKETS; i++)
        assert_true(worker_duration_bound_ms(i) > worker_duration_bound_ms(i - 1));
}

static void the_failing_destinations_are_those_that_were_handed_in_last(void **state)
{
    (void)state;
    struct worker_counts none = {{0}};
    struct worker_failing failing = {.count = WORKER_DESTINATIONS};
    for (size_t i = 0; i < WORKER_DESTINATIONS; i++) {
        snprintf(failing.items[i].name, sizeof failing.items[i].name, "[2001:db8::%zu]:65535", i);
        failing.items[i].failures = 100 - i;
        failing.items[i].window = i + 1;
    }
    assert_int_equal(worker_state_write(directory, NOON, 0, NULL, &failing, &none), STATUS_OK);
    write_attempts(NOON + 1000, 1, 0);
    struct worker_failing read = read_state().failing;
    assert_int_equal(read.count, WORKER_DESTINATIONS);
    for (size_t i = 0; i < WORKER_DESTINATIONS; i++) {
        assert_string_equal(read.items[i].name, failing.items[i].name);
        assert_int_equal(read.items[i].failures, 100 - i);
        assert_int_equal(read.items[i].window, i + 1);
    }
    failing.count = 0;
    assert_int_equal(worker_state_write(directory, NOON + 2000, 0, NULL, &failing, &none), STATUS_OK);
    assert_int_equal(read_state().failing.count, 0);
}

static void the_last_backlog_stays_until_another_is_handed_in(void **state)
{
    (void)state;
    struct worker_counts none = {{0}};
    struct worker_backlog backlog = {.counted_at_ms = NOON, .due = 1, .later = 2, .held = 3};
    for (size_t i = 0; i < WORKER_DESTINATIONS; i++) {
        struct worker_destination *destination = &backlog.destinations[backlog.destination_count++];
        *destination = (struct worker_destination){.host = "[2001:db8::1]", .due = i};
        if (i > 0)
            memset(destination->host, 'a', 253);
    }
    assert_int_equal(worker_state_write(directory, NOON, 0, &backlog, NULL, &none), STATUS_OK);
    write_attempts(NOON + 1000, 1, 0);
    struct worker_backlog read = read_state().backlog;
    assert_int_equal(read.counted_at_ms, NOON);
    assert_int_equal(read.due, 1);
    assert_int_equal(read.later, 2);
    assert_int_equal(read.held, 3);
    assert_int_equal(read.destination_count, WORKER_DESTINATIONS);
    for (size_t i = 0; i < WORKER_DESTINATIONS; i++) {
        assert_string_equal(read.destinations[i].host, backlog.destinations[i].host);
        assert_int_equal(read.destinations[i].due, i);
    }
    backlog.destination_count = 0;
    assert_int_equal(worker_state_write(directory, NOON + 2000, 0, &backlog, NULL, &none), STATUS_OK);
    assert_int_equal(read_state().backlog.destination_count, 0);
    assert_int_equal(read_state().counts.of[WORKER_ATTEMPTS_DELIVERED], 1);
}

/* In memory of exactly that size, so that a sanitizer sees each byte that is read beyond it. */
static bool decode_exact(const char *text, size_t length)
{
    struct worker_state read = {.oldest_due_seconds = -1};
    char *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, text, length);
    bool is_good = worker_state_decode((struct slice){exact, length}, &read);
    free(exact);
    return is_good;
}

static void a_damaged_backlog_is_not_known(void **state)
{
    (void)state;
    struct buf text = {0};
    struct worker_state whole = {.last_run_at_ms = NOON, .backlog = {.counted_at_ms = NOON, .destination_count = 2}};
    memcpy(whole.backlog.destinations[0].host, "a.example", 10);
    memcpy(whole.backlog.destinations[1].host, "b.example", 10);
    worker_state_encode(&whole, &text);
    const char *start = strstr(buf_text(&text), "backlog ");
    assert_non_null(start);
    for (size_t length = (size_t)(start - text.data) + 1; length <= text.length; length++)
        assert_int_equal(decode_exact(text.data, length), text.data[length - 1] == '\n');
    for (const char *c = "\"\\ A{\x80"; *c != '\0'; c++) {
        text.data[text.length - 3] = *c;
        assert_false(decode_exact(text.data, text.length));
    }
    text.data[text.length - 3] = 'l';
    for (int i = 2; i < WORKER_DESTINATIONS; i++)
        buf_append_text(&text, "destination 1 c\n");
    assert_true(decode_exact(text.data, text.length));
    buf_append_text(&text, "destination 1 c\n");
    assert_false(decode_exact(text.data, text.length));
    buf_clear(&text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(without_any_worker_nothing_is_known, remove_files),
        cmocka_unit_test_teardown(what_was_written_last_is_read, remove_files),
        cmocka_unit_test_teardown(attempts_are_counted_by_their_outcome, remove_files),
        cmocka_unit_test_teardown(what_was_handed_in_is_not_counted_again, remove_files),
        cmocka_unit_test_teardown(what_could_not_be_written_is_kept, remove_files),
        cmocka_unit_test_teardown(writers_side_by_side_lose_nothing, remove_files),
        cmocka_unit_test_teardown(time_that_passes_empties_the_rates_and_not_the_counts, remove_files),
        cmocka_unit_test_teardown(a_clock_that_is_set_back_loses_no_counts, remove_files),
        cmocka_unit_test_teardown(damaged_figures_are_not_known_and_begin_anew, remove_files),
        cmocka_unit_test_teardown(numbers_beyond_every_bound_are_damage, remove_files),
        cmocka_unit_test_teardown(a_full_ring_fits_into_the_file, remove_files),
        cmocka_unit_test_teardown(attempts_are_counted_by_how_long_they_took, remove_files),
        cmocka_unit_test_teardown(the_failing_destinations_are_those_that_were_handed_in_last, remove_files),
        cmocka_unit_test_teardown(the_last_backlog_stays_until_another_is_handed_in, remove_files),
        cmocka_unit_test(a_damaged_backlog_is_not_known),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
