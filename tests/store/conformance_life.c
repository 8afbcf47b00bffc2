/* Making, opening, refusing, checking. */
#include "conformance.h"

#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static enum status try_open(struct fixture *fixture, struct failure *failure)
{
    struct store *store = NULL;
    enum status status = store_open(&fixture->conf, STORE_FOR_REQUEST, &store, failure);
    if (status == STATUS_OK)
        store_close(store);
    return status;
}

static void a_store_is_never_made_over_another(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    fixture_close(fixture);
    assert_int_equal(store_create(&fixture->conf, &failure), STATUS_EXISTS);
    assert_string_not_equal(failure.text, "");
    unlink(fixture->master_key_file);
    assert_int_equal(store_create(&fixture->conf, &failure), STATUS_EXISTS);
    assert_int_not_equal(access(fixture->master_key_file, F_OK), 0);
}

static void what_was_written_is_there_after_reopening(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "kept");
    struct subscription found;
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &id, &found), STATUS_OK);
    assert_string_equal(found.name, "kept");
    subscription_clear(&found);
}

static void the_engine_and_the_master_key_are_known(void **state)
{
    struct fixture *fixture = *state;
    assert_string_equal(store_engine(fixture->store), conformance_engine);
    assert_non_null(store_keyring(fixture->store));
    assert_false(store_is_leaving(fixture->store));
    assert_int_equal(store_maintain(fixture->store), STATUS_OK);
}

static void a_directory_without_a_store_says_run_init(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    char missing[96];
    fixture_close(fixture);
    snprintf(missing, sizeof missing, "%s/empty", fixture->data_dir);
    fixture->conf.data_dir = missing;
    assert_int_equal(try_open(fixture, &failure), STATUS_NOT_FOUND);
    assert_non_null(strstr(failure.text, "hookturn init"));
    assert_int_equal(mkdir(missing, 0700), 0);
    assert_int_equal(try_open(fixture, &failure), STATUS_NOT_FOUND);
    assert_non_null(strstr(failure.text, "hookturn init"));
}

static void a_directory_open_to_others_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    fixture_close(fixture);
    assert_int_equal(chmod(fixture->data_dir, 0750), 0);
    assert_int_equal(try_open(fixture, &failure), STATUS_DENIED);
    assert_non_null(strstr(failure.text, "chmod 700"));
}

static void an_unknown_engine_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    fixture_close(fixture);
    fixture->conf.store = (char *)(uintptr_t) "no-such-engine";
    assert_int_equal(try_open(fixture, &failure), STATUS_INVALID);
    assert_non_null(strstr(failure.text, "no-such-engine"));
}

static void a_sound_store_checks_out(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    fixture_close(fixture);
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_OK);
    fixture_open(fixture);
}

static void a_store_in_use_is_not_checked(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_CONFLICT);
}

static bool is_readable(int fd)
{
    struct pollfd poller = {.fd = fd, .events = POLLIN};
    return poll(&poller, 1, 0) == 1;
}

static void publishing_wakes_who_listens(void **state)
{
    struct fixture *fixture = *state;
    int fd = store_wake_fd(fixture->store);
    if (fd < 0)
        skip();
    publish_at(fixture, "A.B", 1000, NULL);
    assert_false(is_readable(fd)); /* it concerned nobody */
    add_subscription(fixture, "s");
    publish_at(fixture, "A.B", 1000, NULL);
    assert_true(is_readable(fd));
    store_wake_drain(fixture->store);
    assert_false(is_readable(fd));
}

int run_life_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_store_is_never_made_over_another),
        CONFORMANCE_TEST(what_was_written_is_there_after_reopening),
        CONFORMANCE_TEST(the_engine_and_the_master_key_are_known),
        CONFORMANCE_TEST(a_directory_without_a_store_says_run_init),
        CONFORMANCE_TEST(a_directory_open_to_others_is_refused),
        CONFORMANCE_TEST(an_unknown_engine_is_refused),
        CONFORMANCE_TEST(a_sound_store_checks_out),
        CONFORMANCE_TEST(a_store_in_use_is_not_checked),
        CONFORMANCE_TEST(publishing_wakes_who_listens),
    };
    return cmocka_run_group_tests_name("life", tests, NULL, NULL);
}
