/* Backups, restoring them, and changing the key that all is sealed under. */
#include "conformance.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

static bool go_on(void *context, const char *step, uint64_t done, uint64_t total)
{
    int *stop_after = context;
    assert_non_null(step);
    assert_true(total == 0 || done <= total);
    return !stop_after || (*stop_after)-- > 0;
}

static const struct store_progress never_stops = {go_on, NULL};

/* ---- short forms ---- */

struct place {
    char path[128];
};

/* Beside the store, in the fixture's directory. */
static struct place place_of(struct fixture *fixture, const char *name)
{
    struct place place;
    snprintf(place.path, sizeof place.path, "%s/%s", fixture->data_dir, name);
    return place;
}

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

/* ---- sealed things ---- */

static enum status apply_signed(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct fixture *fixture = context;
    struct header_list headers = {0};
    char id[OBJECT_ID_TEXT], text[SECRET_TEXT];
    object_id_format(&subscription->id, id);
    secret_make(text);
    secret_seal(store_keyring(fixture->store), id, text, now_ms, &subscription->secrets.items[0]);
    subscription->secrets.count = 1;
    header_list_add(&headers, "X-Token", "of the receiver");
    subscription_seal_headers(subscription, store_keyring(fixture->store), &headers);
    header_list_clear(&headers);
    return STATUS_OK;
}

static struct object_id add_signed(struct fixture *fixture, const char *name)
{
    struct object_id id = add_subscription(fixture, name);
    struct change change = {.apply = apply_signed, .context = fixture};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_OK);
    return id;
}

/* What is sealed in it opens, and is under the sealing key alone, if so. */
static void assert_signed(struct fixture *fixture, const struct object_id *id, bool is_current)
{
    struct subscription found;
    struct header_list headers;
    char text[OBJECT_ID_TEXT], secret[SECRET_TEXT], name[KEYRING_NAME], fingerprint[KEYRING_FINGERPRINT];
    const struct keyring *keyring = store_keyring(fixture->store);
    object_id_format(id, text);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, id, &found), STATUS_OK);
    assert_int_equal(found.secrets.count, 1);
    assert_int_equal(secret_unseal(keyring, text, &found.secrets.items[0], secret), STATUS_OK);
    assert_int_equal(subscription_unseal_headers(&found, keyring, &headers), STATUS_OK);
    assert_int_equal(headers.count, 1);
    assert_string_equal(headers.items[0].value, "of the receiver");
    keyring_fingerprint(keyring, fingerprint);
    assert_true(keyring_blob_name(buf_slice(&found.secrets.items[0].sealed), name));
    assert_int_equal(strncmp(name, fingerprint, KEYRING_NAME - 1) == 0, is_current);
    assert_true(keyring_blob_name(buf_slice(&found.sealed_headers), name));
    assert_int_equal(strncmp(name, fingerprint, KEYRING_NAME - 1) == 0, is_current);
    header_list_clear(&headers);
    subscription_clear(&found);
}

struct kept {
    struct fixture *fixture;
    struct idempotency idempotency;
};

static void render_sealed(void *context, struct buf *kept)
{
    const struct kept *with = context;
    keyring_seal(store_keyring(with->fixture->store),
                 (struct slice){(const char *)with->idempotency.key, sizeof with->idempotency.key},
                 slice_of("the answer"), kept);
}

/* An update under the idempotency key whose bytes are all `byte`. */
static enum status answer_once(struct fixture *fixture, const struct object_id *id, unsigned char byte)
{
    struct kept kept = {.fixture = fixture, .idempotency = {.now_ms = 1, .expires_at_ms = 1000}};
    struct buf plain = {0};
    memset(kept.idempotency.key, byte, sizeof kept.idempotency.key);
    struct answer answer = {.idempotency = &kept.idempotency, .render = render_sealed, .context = &kept};
    struct change change = {.apply = apply_nothing, .answer = &answer};
    enum status status = store_subscription_update(fixture->store, &fixture->org, id, &change);
    struct slice place = {(const char *)kept.idempotency.key, sizeof kept.idempotency.key};
    assert_int_equal(keyring_unseal(store_keyring(fixture->store), place, buf_slice(&answer.kept), &plain), STATUS_OK);
    assert_string_equal(plain.data, "the answer");
    buf_clear(&plain);
    buf_clear(&answer.kept);
    return status;
}

static void rekey(struct fixture *fixture, struct store_rekey *out)
{
    struct failure failure = {""};
    if (store_rekey(fixture->store, &fixture->conf, &never_stops, out, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
}

/* ---- backups ---- */

static void a_restored_store_is_as_it_was_at_the_backup(void **state)
{
    struct fixture *fixture = *state;
    struct subscription found;
    struct object_id early = add_signed(fixture, "early");
    struct object_id event = publish_at(fixture, "A.B", 1000, NULL);
    assert_int_equal(answer_once(fixture, &early, 1), STATUS_OK);
    struct place place = make_backup(fixture, "copy", false);
    struct object_id late = add_subscription(fixture, "late");
    struct store_aside aside = restore(fixture, &place);
    assert_signed(fixture, &early, true);
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
    add_signed(fixture, "s");
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
    struct object_id id = add_signed(fixture, "s");
    struct place plain = make_backup(fixture, "plain", false), with_key = make_backup(fixture, "with", true);
    keyring_fingerprint(store_keyring(fixture->store), before);
    rekey(fixture, &done);
    assert_refused(fixture, &plain, STATUS_DENIED, "another master key");
    struct store_aside aside = restore(fixture, &with_key);
    keyring_fingerprint(store_keyring(fixture->store), after);
    assert_string_equal(before, after);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    assert_signed(fixture, &id, true);
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
    struct object_id id = add_signed(fixture, "s");
    struct place place = make_backup(fixture, "with", true);
    fixture_close(fixture);
    unlink(fixture->master_key_file);
    snprintf(command, sizeof command, "rm -r %s/store", fixture->data_dir);
    assert_int_equal(system(command), 0);
    struct store_aside aside = restore(fixture, &place);
    assert_string_equal(aside.store, "");
    assert_signed(fixture, &id, true);
}

/* ---- a new key ---- */

static void after_a_rekey_all_is_sealed_under_the_new_key(void **state)
{
    struct fixture *fixture = *state;
    struct store_rekey done;
    char before[KEYRING_FINGERPRINT];
    struct subscription was, is;
    struct object_id id = add_signed(fixture, "s"), other = add_signed(fixture, "t");
    add_subscription(fixture, "unsigned");
    assert_int_equal(answer_once(fixture, &id, 1), STATUS_OK);
    keyring_fingerprint(store_keyring(fixture->store), before);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &id, &was), STATUS_OK);
    rekey(fixture, &done);
    assert_int_equal(done.records, 3);
    assert_int_equal(done.unreadable, 0);
    assert_false(done.was_resumed);
    assert_string_not_equal(done.fingerprint, before);
    assert_signed(fixture, &id, true); /* by the ring that has been open all the time */
    fixture_close(fixture);
    fixture_open(fixture);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    assert_signed(fixture, &id, true);
    assert_signed(fixture, &other, true);
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
        ids[i] = add_signed(fixture, name);
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
        assert_signed(fixture, &ids[i], true);
}

static struct object_id shared[20]; /* made before the children are */

static int rekey_or_sign(struct fixture *fixture, int index)
{
    struct change change = {.apply = apply_signed, .context = fixture};
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
        shared[i] = add_signed(fixture, name);
    }
    assert_int_equal(run_children(fixture, 4, rekey_or_sign), 3);
    assert_int_equal(keyring_count(store_keyring(fixture->store)), 1);
    for (int i = 0; i < 20; i++)
        assert_signed(fixture, &shared[i], true);
    for (int i = 50; i < 200; i++)
        assert_int_equal(answer_once(fixture, &shared[0], (unsigned char)i), STATUS_REPLAY);
}

static void the_key_is_changed_by_one_at_a_time(void **state)
{
    struct fixture *fixture = *state;
    struct store_rekey done;
    struct failure failure = {""};
    struct place copy = make_backup(fixture, "copy", false), lock = place_of(fixture, "rekey.lock");
    int held = open(lock.path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
    assert_int_equal(store_rekey(fixture->store, &fixture->conf, &never_stops, &done, &failure), STATUS_CONFLICT);
    assert_non_null(strstr(failure.text, "another process"));
    assert_refused(fixture, &copy, STATUS_CONFLICT, "another process");
    close(held);
    rekey(fixture, &done);
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
        CONFORMANCE_TEST(after_a_rekey_all_is_sealed_under_the_new_key),
        CONFORMANCE_TEST(a_stopped_rekey_leaves_all_readable_and_goes_on),
        CONFORMANCE_TEST(whoever_seals_during_a_rekey_is_read_after_it),
        CONFORMANCE_TEST(the_key_is_changed_by_one_at_a_time),
    };
    return cmocka_run_group_tests_name("copies", tests, NULL, NULL);
}
