/* Backups, and restoring them. */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* ---- short forms ---- */

static struct place make_backup(struct fixture *fixture, const char *name, bool with_key)
{
    struct place place = place_of(fixture, name);
    struct store_backup made;
    struct failure failure = {""};
    fixture_close(fixture); /* a process has a store open once */
    if (store_backup(&fixture->conf, place.path, with_key, &never_stops, &made, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
    fixture_open(fixture);
    assert_int_equal(made.has_key, with_key);
    assert_int_equal(made.unreadable, 0);
    return place;
}

static enum status try_restore(struct fixture *fixture, const struct place *place, struct store_aside *aside,
                               struct failure *failure)
{
    struct store_backup restored;
    failure->text[0] = '\0';
    return store_restore(&fixture->conf, place->path, &never_stops, &restored, aside, failure);
}

static struct store_aside restore(struct fixture *fixture, const struct place *place)
{
    struct store_aside aside;
    struct failure failure;
    fixture_close(fixture);
    if (try_restore(fixture, place, &aside, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
    fixture_open(fixture);
    return aside;
}

/* The store is as it was. */
static void assert_refused(struct fixture *fixture, const struct place *place, enum status expected, const char *says)
{
    struct store_aside aside;
    struct failure failure;
    char before[KEYRING_FINGERPRINT], after[KEYRING_FINGERPRINT];
    keyring_fingerprint(store_keyring(fixture->store), before);
    fixture_close(fixture);
    assert_int_equal(try_restore(fixture, place, &aside, &failure), expected);
    if (!strstr(failure.text, says) || strchr(failure.text, '\n'))
        fail_msg("%s", failure.text);
    fixture_open(fixture);
    keyring_fingerprint(store_keyring(fixture->store), after);
    assert_string_equal(before, after);
}

static void overwrite(const struct place *place, const char *name, long at, const char *bytes)
{
    char path[192];
    snprintf(path, sizeof path, "%s/%s", place->path, name);
    FILE *file = fopen(path, "r+");
    assert_non_null(file);
    assert_int_equal(fseek(file, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    fputs(bytes, file);
    fclose(file);
}

static bool is_there(const struct place *place)
{
    return access(place->path, F_OK) == 0;
}

/* ---- backups ---- */

static void a_restored_store_is_as_it_was_at_the_backup(void **state)
{
    struct fixture *fixture = *state;
    struct subscription found;
    struct object_id early = add_sealed(fixture, "early");
    struct object_id event = publish_at(fixture, "A.B", 1000, NULL);
    assert_int_equal(answer_once(fixture, &early, 1), STATUS_OK);
    struct place place = make_backup(fixture, "copy", false);
    struct object_id late = add_subscription(fixture, "late");
    struct store_aside aside = restore(fixture, &place);
    assert_sealed(fixture, &early, true);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &late, &found), STATUS_NOT_FOUND);
    assert_int_equal(get_delivery(fixture, &early, &event).status, DELIVERY_WAITING);
    assert_int_equal(answer_once(fixture, &early, 1), STATUS_REPLAY);
    add_subscription(fixture, "late"); /* and it works on */
    struct claims *claims = claims_new();
    claim_all(fixture, 2000, CLAIMS_MAX, claims);
    assert_int_equal(claims->count, 1);
    free(claims);
    struct place kept = place_of(fixture, aside.store);
    assert_true(is_there(&kept));
    assert_string_equal(aside.key, "");
}

static void a_backup_is_private_and_has_the_key_only_when_asked(void **state)
{
    struct fixture *fixture = *state;
    struct stat info;
    char path[192];
    struct place plain = make_backup(fixture, "plain", false), with_key = make_backup(fixture, "with", true);
    assert_int_equal(stat(plain.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
    snprintf(path, sizeof path, "%s/master.key", plain.path);
    assert_int_not_equal(access(path, F_OK), 0);
    snprintf(path, sizeof path, "%s/master.key", with_key.path);
    assert_int_equal(stat(path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0600);
}

static void what_is_there_is_never_overwritten(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    struct store_backup made;
    struct place place = make_backup(fixture, "copy", false), empty = place_of(fixture, "empty");
    fixture_close(fixture);
    assert_int_equal(store_backup(&fixture->conf, place.path, false, &never_stops, &made, &failure), STATUS_EXISTS);
    assert_non_null(strstr(failure.text, place.path));
    fixture_open(fixture);
    assert_int_equal(mkdir(empty.path, 0755), 0);
    make_backup(fixture, "empty/", false);
    struct stat info;
    assert_int_equal(stat(empty.path, &info), 0);
    assert_int_equal(info.st_mode & 07777, 0700);
}

static void a_stopped_backup_leaves_nothing(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    struct store_backup made;
    struct place place = place_of(fixture, "copy"), beside = place_of(fixture, "copy.hookturn-unfinished");
    enum status status = STATUS_CONFLICT;
    add_sealed(fixture, "s");
    fixture_close(fixture);
    for (int steps = 0; steps < 1000; steps += 1 + steps / 4) {
        int left = steps;
        const struct store_progress stops = {go_on, &left};
        status = store_backup(&fixture->conf, place.path, true, &stops, &made, &failure);
        if (status == STATUS_OK)
            break;
        assert_int_equal(status, STATUS_CONFLICT);
        assert_non_null(strstr(failure.text, "stopped"));
        assert_false(is_there(&place));
        assert_false(is_there(&beside));
    }
    assert_int_equal(status, STATUS_OK);
    fixture_open(fixture);
}

static void what_a_killed_backup_left_is_cleared_away(void **state)
{
    struct fixture *fixture = *state;
    struct place beside = place_of(fixture, "copy.hookturn-unfinished");
    struct place rest = place_of(fixture, "copy.hookturn-unfinished/store");
    assert_int_equal(mkdir(beside.path, 0700), 0);
    assert_int_equal(mkdir(rest.path, 0700), 0);
    struct place place = make_backup(fixture, "copy", false);
    assert_true(is_there(&place));
    assert_false(is_there(&beside));
}

/* Writes until it is told to end; says how much was answered. */
static int write_on(struct fixture *fixture, int index)
{
    int made = 0;
    for (; made < 40; made++) {
        char name[32];
        snprintf(name, sizeof name, "%d %d", index, made);
        add_subscription(fixture, name);
        publish_at(fixture, "A.B", 1000 + made, NULL);
    }
    return made;
}

static int write_or_back_up(struct fixture *fixture, int index)
{
    if (index > 0)
        return write_on(fixture, index);
    make_backup(fixture, "first", false);
    make_backup(fixture, "second", false);
    return 0;
}

static bool count_one(void *context, const struct subscription *subscription)
{
    (void)subscription;
    ++*(int *)context;
    return true;
}

static int count_subscriptions(struct fixture *fixture)
{
    const struct object_id first = {{0}};
    bool has_more;
    int count = 0;
    assert_int_equal(store_subscription_list(fixture->store, &fixture->org, &first, 1000, count_one, &count, &has_more),
                     STATUS_OK);
    return count;
}

static void a_backup_under_load_is_whole(void **state)
{
    struct fixture *fixture = *state;
    struct failure failure = {""};
    assert_int_equal(run_children(fixture, 4, write_or_back_up), 3 * 40);
    int all = count_subscriptions(fixture);
    assert_int_equal(all, 3 * 40);
    struct place first = place_of(fixture, "first"), second = place_of(fixture, "second");
    restore(fixture, &second);
    int then = count_subscriptions(fixture);
    restore(fixture, &first);
    assert_in_range(then, count_subscriptions(fixture), all);
    fixture_close(fixture);
    assert_int_equal(store_check(&fixture->conf, &failure), STATUS_OK);
    fixture_open(fixture);
}

/* ---- what is not restored ---- */

static void a_store_in_use_is_not_replaced(void **state)
{
    struct fixture *fixture = *state;
    struct store_aside aside;
    struct failure failure;
    struct place place = make_backup(fixture, "copy", false);
    assert_int_equal(try_restore(fixture, &place, &aside, &failure), STATUS_CONFLICT);
    assert_non_null(strstr(failure.text, "stop them first"));
    add_subscription(fixture, "still works");
}

static void what_is_no_backup_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct place nothing = place_of(fixture, "nothing"), store = place_of(fixture, "store");
    assert_refused(fixture, &nothing, STATUS_NOT_FOUND, "is no backup");
    assert_refused(fixture, &store, STATUS_NOT_FOUND, "is no backup");
}

static void a_damaged_backup_is_refused(void **state)
{
    struct fixture *fixture = *state;
    char path[192];
    add_subscription(fixture, "s");
    struct place place = make_backup(fixture, "a", false);
    overwrite(&place, "store/subscription.db", 5000, "x");
    assert_refused(fixture, &place, STATUS_CORRUPT, "subscription.db is damaged");
    place = make_backup(fixture, "b", false);
    snprintf(path, sizeof path, "%s/store/subscription.db", place.path);
    assert_int_equal(truncate(path, 8192), 0);
    assert_refused(fixture, &place, STATUS_CORRUPT, "subscription.db is damaged");
    unlink(path);
    assert_refused(fixture, &place, STATUS_CORRUPT, "subscription.db is missing");
    place = make_backup(fixture, "c", false);
    overwrite(&place, "backup", 40, "9");
    assert_refused(fixture, &place, STATUS_CORRUPT, "damaged");
}

static void a_backup_of_the_future_is_refused(void **state)
{
    struct fixture *fixture = *state;
    struct place place = make_backup(fixture, "copy", false);
    overwrite(&place, "backup", 16, "2");
    assert_refused(fixture, &place, STATUS_VERSION, "newer hookturn");
}

/* ---- its key ---- */

static void a_backup_of_another_key_is_refused_unless_it_brings_it(void **state)
{
    struct fixture *fixture = *state;
    struct store_rekey done;
    char before[KEYRING_FINGERPRINT], after[KEYRING_FINGERPRINT];
    struct object_id id = add_sealed(fixture, "s");
    struct place plain = make_backup(fixture, "plain", false), with_key = make_backup(fixture, "with", true);
    keyring_fingerprint(store_keyring(fixture->store), before);
    rekey(fixture, &done);
    assert_refused(fixture, &plain, STATUS_DENIED, "another master key");
    struct store_aside aside = restore(fixture, &with_key);
    keyring_fingerprint(store_keyring(fixture->store), after);
    assert_string_equal(before, after);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    assert_sealed(fixture, &id, true);
    struct place kept = place_of(fixture, aside.key);
    struct keyring *old;
    struct failure failure;
    assert_int_equal(keyring_open(kept.path, &old, &failure), STATUS_OK);
    keyring_fingerprint(old, after);
    assert_string_equal(after, done.fingerprint);
    keyring_free(old);
}

static void a_lost_store_comes_back_with_its_key(void **state)
{
    struct fixture *fixture = *state;
    char command[192];
    struct object_id id = add_sealed(fixture, "s");
    struct place place = make_backup(fixture, "with", true);
    fixture_close(fixture);
    unlink(fixture->master_key_file);
    snprintf(command, sizeof command, "rm -r %s/store", fixture->data_dir);
    assert_int_equal(system(command), 0);
    struct store_aside aside = restore(fixture, &place);
    assert_string_equal(aside.store, "");
    assert_sealed(fixture, &id, true);
}

static void nothing_is_restored_while_the_key_is_changed(void **state)
{
    struct fixture *fixture = *state;
    struct place copy = make_backup(fixture, "copy", false);
    int held = hold_keys(fixture);
    assert_refused(fixture, &copy, STATUS_CONFLICT, "another process");
    close(held);
    restore(fixture, &copy);
}

int run_copy_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_restored_store_is_as_it_was_at_the_backup),
        CONFORMANCE_TEST(a_backup_is_private_and_has_the_key_only_when_asked),
        CONFORMANCE_TEST(what_is_there_is_never_overwritten),
        CONFORMANCE_TEST(a_stopped_backup_leaves_nothing),
        CONFORMANCE_TEST(what_a_killed_backup_left_is_cleared_away),
        CONFORMANCE_TEST(a_backup_under_load_is_whole),
        CONFORMANCE_TEST(a_store_in_use_is_not_replaced),
        CONFORMANCE_TEST(what_is_no_backup_is_refused),
        CONFORMANCE_TEST(a_damaged_backup_is_refused),
        CONFORMANCE_TEST(a_backup_of_the_future_is_refused),
        CONFORMANCE_TEST(a_backup_of_another_key_is_refused_unless_it_brings_it),
        CONFORMANCE_TEST(a_lost_store_comes_back_with_its_key),
        CONFORMANCE_TEST(nothing_is_restored_while_the_key_is_changed),
    };
    return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
