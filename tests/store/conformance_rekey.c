/* Changing the key that all is sealed under. */
#include "conformance.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void after_a_rekey_all_is_sealed_under_the_new_key(void **state)
{
    struct fixture *fixture = *state;
    struct store_rekey done;
    char before[KEYRING_FINGERPRINT];
    struct subscription was, is;
    struct object_id id = add_sealed(fixture, "s"), other = add_sealed(fixture, "t");
    add_subscription(fixture, "unsigned");
    assert_int_equal(answer_once(fixture, &id, 1), STATUS_OK);
    keyring_fingerprint(store_keyring(fixture->store), before);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &id, &was), STATUS_OK);
    rekey(fixture, &done);
    assert_int_equal(done.records, 3);
    assert_int_equal(done.unreadable, 0);
    assert_false(done.was_resumed);
    assert_string_not_equal(done.fingerprint, before);
    assert_sealed(fixture, &id, true); /* by the ring that has been open all the time */
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    assert_sealed(fixture, &id, true);
    assert_sealed(fixture, &other, true);
    assert_int_equal(answer_once(fixture, &id, 1), STATUS_REPLAY);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &id, &is), STATUS_OK);
    assert_int_equal(is.version, was.version); /* nothing that anybody sees has changed */
    assert_int_equal(is.updated_at_ms, was.updated_at_ms);
    assert_memory_equal(is.secrets.items[0].digest, was.secrets.items[0].digest, SHA256_BYTES);
    subscription_clear(&was);
    subscription_clear(&is);
}

static void a_stopped_rekey_leaves_all_readable_and_goes_on(void **state)
{
    enum { MANY = 450 };
    struct fixture *fixture = *state;
    struct store_rekey done;
    struct failure failure = {""};
    struct object_id ids[MANY];
    for (int i = 0; i < MANY; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        ids[i] = add_sealed(fixture, name);
    }
    int steps = 1;
    const struct store_progress stops = {go_on, &steps};
    assert_int_equal(store_rekey(fixture->store, &fixture->conf, &stops, &done, &failure), STATUS_CONFLICT);
    assert_non_null(strstr(failure.text, "goes on"));
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 2);
    uint64_t first = done.records;
    assert_in_range(first, 200, MANY - 1);
    for (int i = 0; i < MANY; i++) { /* some are through, some are not */
        struct subscription found;
        char text[OBJECT_ID_TEXT], secret[SECRET_TEXT];
        object_id_format(&ids[i], text);
        assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &ids[i], &found), STATUS_OK);
        assert_int_equal(secret_unseal(store_keyring(fixture->store), text, &found.secrets.items[0], secret),
                         STATUS_OK);
        subscription_clear(&found);
    }
    rekey(fixture, &done);
    assert_true(done.was_resumed);
    assert_int_equal(first + done.records, MANY);
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    for (int i = 0; i < MANY; i++)
        assert_sealed(fixture, &ids[i], true);
}

static struct object_id shared[20]; /* made before the children are */

static int rekey_or_sign(struct fixture *fixture, int index)
{
    struct change change = {.apply = apply_sealed, .context = fixture};
    struct store_rekey done;
    if (index == 0) {
        for (int i = 0; i < 3; i++)
            rekey(fixture, &done);
        return 0;
    }
    for (int i = 0; i < 200; i++) {
        const struct object_id *id = &shared[(i * 7 + index) % 20];
        if (store_subscription_update(fixture->store, &fixture->org, id, &change) != STATUS_OK)
            return 100;
        assert_int_equal(answer_once(fixture, id, (unsigned char)(index * 50 + i % 50)),
                         i < 50 ? STATUS_OK : STATUS_REPLAY);
    }
    return 1;
}

static void whoever_seals_during_a_rekey_is_read_after_it(void **state)
{
    struct fixture *fixture = *state;
    for (int i = 0; i < 20; i++) {
        char name[16];
        snprintf(name, sizeof name, "s%d", i);
        shared[i] = add_sealed(fixture, name);
    }
    assert_int_equal(run_children(fixture, 4, rekey_or_sign), 3);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    for (int i = 0; i < 20; i++)
        assert_sealed(fixture, &shared[i], true);
    for (int i = 50; i < 200; i++)
        assert_int_equal(answer_once(fixture, &shared[0], (unsigned char)i), STATUS_REPLAY);
}

static void the_key_is_changed_by_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct store_rekey done;
    struct failure failure = {""};
    int held = hold_keys(fixture);
    assert_int_equal(store_rekey(fixture->store, &fixture->conf, &never_stops, &done, &failure), STATUS_CONFLICT);
    assert_non_null(strstr(failure.text, "another process"));
    close(held);
    rekey(fixture, &done);
}

int run_rekey_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(after_a_rekey_all_is_sealed_under_the_new_key),
        CONFORMANCE_TEST(a_stopped_rekey_leaves_all_readable_and_goes_on),
        CONFORMANCE_TEST(whoever_seals_during_a_rekey_is_read_after_it),
        CONFORMANCE_TEST(the_key_is_changed_by_one_at_a_time),
    };
    return cmocka_run_group_tests_name("new keys", tests, NULL, NULL);
}
