/* Subscriptions: creation, changes, unique names, the cap. */
#include "conformance.h"

#include <stdlib.h>
#include <string.h>

static struct subscription get(struct fixture *fixture, const struct object_id *id)
{
    struct subscription found = {.version = 0};
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, id, &found), STATUS_OK);
    return found;
}

static void a_new_one_has_its_ids_times_and_version(void **state)
{
    struct fixture *fixture = *state;
    int64_t before_ms = clock_now_ms();
    struct object_id id = add_subscription(fixture, "first");
    struct subscription found = get(fixture, &id);
    assert_memory_equal(&found.id, &id, sizeof id);
    assert_memory_equal(&found.organization_id, &fixture->org, sizeof fixture->org);
    assert_int_equal(found.version, 1);
    assert_true(found.created_at_ms >= before_ms && found.created_at_ms <= clock_now_ms());
    assert_int_equal(found.updated_at_ms, found.created_at_ms);
    subscription_clear(&found);
}

static void ids_rise(void **state)
{
    struct fixture *fixture = *state;
    struct object_id last = {{0}};
    for (int i = 0; i < 50; i++) {
        char name[] = {(char)('A' + i), '\0'};
        struct object_id id = add_subscription(fixture, name);
        assert_true(object_id_compare(&last, &id) < 0);
        last = id;
    }
}

static void names_are_unique_in_their_organization(void **state)
{
    struct fixture *fixture = *state;
    struct spec spec = {.name = "taken"};
    add_subscription(fixture, "taken");
    assert_int_equal(try_subscription(fixture, &spec), STATUS_EXISTS);
    struct subscription none;
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &spec.id, &none), STATUS_NOT_FOUND);
    uuid_make(&fixture->org);
    assert_int_equal(try_subscription(fixture, &spec), STATUS_OK);
}

static enum status rename_it(void *context, int64_t now_ms, struct subscription *subscription)
{
    (void)now_ms;
    free(subscription->name);
    subscription->name = mem_strdup(context);
    return STATUS_OK;
}

static enum status rename_to(struct fixture *fixture, const struct object_id *id, char *name)
{
    struct change change = {.apply = rename_it, .context = name};
    return store_subscription_update(fixture->store, &fixture->org, id, &change);
}

static void renaming_takes_the_new_name_and_frees_the_old(void **state)
{
    struct fixture *fixture = *state;
    struct object_id a = add_subscription(fixture, "a");
    add_subscription(fixture, "b");
    assert_int_equal(rename_to(fixture, &a, (char[]){"b"}), STATUS_EXISTS);
    assert_int_equal(rename_to(fixture, &a, (char[]){"c"}), STATUS_OK);
    add_subscription(fixture, "a");
    struct spec spec = {.name = "c"};
    assert_int_equal(try_subscription(fixture, &spec), STATUS_EXISTS);
}

static void no_more_than_the_cap_and_deleting_makes_room(void **state)
{
    struct fixture *fixture = *state;
    struct object_id first = add_subscription(fixture, "1");
    struct spec spec = {.name = "2"};
    struct change change = {.apply = spec_apply, .context = &spec};
    assert_int_equal(store_subscription_create(fixture->store, &fixture->org, 1, &change), STATUS_LIMIT);
    change_subscription(fixture, &first, apply_delete);
    assert_int_equal(store_subscription_create(fixture->store, &fixture->org, 1, &change), STATUS_OK);
}

struct seen {
    uint64_t version;
    int64_t now_ms;
    enum status verdict;
};

static enum status look(void *context, int64_t now_ms, struct subscription *subscription)
{
    struct seen *seen = context;
    seen->version = subscription->version;
    seen->now_ms = now_ms;
    subscription->active = false;
    return seen->verdict;
}

static void a_change_sees_the_raised_version_and_is_written(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct seen seen = {.verdict = STATUS_OK};
    struct change change = {.apply = look, .context = &seen};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_OK);
    assert_int_equal(seen.version, 2);
    struct subscription found = get(fixture, &id);
    assert_int_equal(found.version, 2);
    assert_false(found.active);
    assert_true(seen.now_ms >= found.created_at_ms);
    subscription_clear(&found);
}

static void a_refused_change_leaves_everything(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct seen seen = {.verdict = STATUS_PRECONDITION};
    struct change change = {.apply = look, .context = &seen};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_PRECONDITION);
    struct subscription found = get(fixture, &id);
    assert_int_equal(found.version, 1);
    assert_true(found.active);
    subscription_clear(&found);
}

static enum status set_future(void *context, int64_t now_ms, struct subscription *subscription)
{
    (void)now_ms;
    subscription->updated_at_ms = *(int64_t *)context;
    return STATUS_OK;
}

static void time_never_runs_back_over_the_records_own(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    int64_t future_ms = clock_now_ms() + 1000000;
    struct change change = {.apply = set_future, .context = &future_ms};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_OK);
    struct seen seen = {.verdict = STATUS_OK};
    struct change next = {.apply = look, .context = &seen};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &next), STATUS_OK);
    assert_int_equal(seen.now_ms, future_ms);
}

static void a_deleted_one_is_not_there_and_its_name_is_free(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct subscription found;
    struct change change = {.apply = apply_nothing};
    change_subscription(fixture, &id, apply_delete);
    assert_int_equal(store_subscription_get(fixture->store, &fixture->org, &id, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_NOT_FOUND);
    add_subscription(fixture, "s");
}

static void another_organizations_is_not_there(void **state)
{
    struct fixture *fixture = *state;
    struct object_id id = add_subscription(fixture, "s");
    struct uuid other;
    struct subscription found;
    struct change change = {.apply = apply_nothing};
    uuid_make(&other);
    assert_int_equal(store_subscription_get(fixture->store, &other, &id, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_subscription_update(fixture->store, &other, &id, &change), STATUS_NOT_FOUND);
}

static void the_owner_of_a_subscription_is_found_by_its_id(void **state)
{
    struct fixture *fixture = *state;
    struct object_id ids[3], none = {{9}};
    struct uuid owners[3], found;
    for (int i = 0; i < 3; i++) {
        uuid_make(&fixture->org);
        owners[i] = fixture->org;
        ids[i] = add_subscription(fixture, "s");
    }
    for (int i = 0; i < 3; i++) {
        assert_int_equal(store_subscription_owner(fixture->store, &ids[i], &found), STATUS_OK);
        assert_memory_equal(&found, &owners[i], sizeof found);
    }
    assert_int_equal(store_subscription_owner(fixture->store, &none, &found), STATUS_NOT_FOUND);
    change_subscription(fixture, &ids[2], apply_delete);
    assert_int_equal(store_subscription_owner(fixture->store, &ids[2], &found), STATUS_NOT_FOUND);
}

int run_subscription_tests(void)
{
    const struct CMUnitTest tests[] = {
        SHARING_TEST(a_new_one_has_its_ids_times_and_version),
        SHARING_TEST(ids_rise),
        SHARING_TEST(names_are_unique_in_their_organization),
        SHARING_TEST(renaming_takes_the_new_name_and_frees_the_old),
        SHARING_TEST(no_more_than_the_cap_and_deleting_makes_room),
        SHARING_TEST(a_change_sees_the_raised_version_and_is_written),
        SHARING_TEST(a_refused_change_leaves_everything),
        SHARING_TEST(time_never_runs_back_over_the_records_own),
        SHARING_TEST(a_deleted_one_is_not_there_and_its_name_is_free),
        SHARING_TEST(another_organizations_is_not_there),
        CONFORMANCE_TEST(the_owner_of_a_subscription_is_found_by_its_id),
    };
    return cmocka_run_group_tests_name("subscriptions", tests, fixture_make, fixture_remove);
}
