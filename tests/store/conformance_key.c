/* API keys. */
#include "conformance.h"

#include <string.h>

enum { KEYS_MANY = 150 };

static struct api_key make_key(unsigned number)
{
    struct api_key key = {.scopes = API_SCOPE_READ, .created_at_ms = 1000};
    key.id.bytes[10] = (unsigned char)(number >> 8);
    key.id.bytes[11] = (unsigned char)(number & 0xff);
    crypto_sha256(&number, sizeof number, key.digest);
    key.created_user_id = mem_strdup("user");
    key.name = mem_strdup("name");
    return key;
}

static enum status put_key(struct fixture *fixture, unsigned number)
{
    struct api_key key = make_key(number);
    enum status status = store_key_put(fixture->store, &key);
    api_key_clear(&key);
    return status;
}

static void a_key_is_found_by_its_digest(void **state)
{
    struct fixture *fixture = *state;
    struct api_key key = make_key(7);
    struct api_key found;
    assert_int_equal(store_key_find(fixture->store, key.digest, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_key_put(fixture->store, &key), STATUS_OK);
    assert_int_equal(store_key_find(fixture->store, key.digest, &found), STATUS_OK);
    assert_memory_equal(&found.id, &key.id, sizeof key.id);
    assert_string_equal(found.name, "name");
    assert_int_equal(found.scopes, API_SCOPE_READ);
    api_key_clear(&found);
    api_key_clear(&key);
}

static void neither_id_nor_digest_is_given_twice(void **state)
{
    struct fixture *fixture = *state;
    struct api_key other = make_key(8);
    assert_int_equal(put_key(fixture, 7), STATUS_OK);
    assert_int_equal(put_key(fixture, 7), STATUS_EXISTS);
    struct api_key key = make_key(7);
    memcpy(key.digest, other.digest, sizeof key.digest);
    assert_int_equal(store_key_put(fixture->store, &key), STATUS_EXISTS);
    key.id = other.id;
    assert_int_equal(store_key_put(fixture->store, &key), STATUS_OK); /* the refused ones left nothing behind */
    api_key_clear(&key);
    api_key_clear(&other);
}

struct visits {
    size_t count;
    size_t stop_after;
    struct object_id last;
    bool in_order;
};

static bool visit(void *context, const struct api_key *key)
{
    struct visits *visits = context;
    if (visits->count > 0 && object_id_compare(&visits->last, &key->id) >= 0)
        visits->in_order = false;
    visits->last = key->id;
    return ++visits->count < visits->stop_after;
}

static void keys_are_walked_in_the_order_of_their_ids(void **state)
{
    struct fixture *fixture = *state;
    struct visits visits = {.stop_after = SIZE_MAX, .in_order = true};
    for (unsigned i = KEYS_MANY; i > 0; i--)
        assert_int_equal(put_key(fixture, i), STATUS_OK);
    assert_int_equal(store_key_walk(fixture->store, visit, &visits), STATUS_OK);
    assert_int_equal(visits.count, KEYS_MANY);
    assert_true(visits.in_order);
    visits = (struct visits){.stop_after = 70, .in_order = true};
    assert_int_equal(store_key_walk(fixture->store, visit, &visits), STATUS_OK);
    assert_int_equal(visits.count, 70);
}

static void revoking_keeps_the_first_time(void **state)
{
    struct fixture *fixture = *state;
    struct api_key key = make_key(7);
    struct api_key found;
    assert_int_equal(store_key_revoke(fixture->store, &key.id, 5000), STATUS_NOT_FOUND);
    assert_int_equal(store_key_put(fixture->store, &key), STATUS_OK);
    assert_int_equal(store_key_revoke(fixture->store, &key.id, 5000), STATUS_OK);
    assert_int_equal(store_key_revoke(fixture->store, &key.id, 6000), STATUS_OK);
    assert_int_equal(store_key_find(fixture->store, key.digest, &found), STATUS_OK);
    assert_int_equal(found.revoked_at_ms, 5000);
    api_key_clear(&found);
    api_key_clear(&key);
}

static void a_deleted_key_was_never_there(void **state)
{
    struct fixture *fixture = *state;
    struct api_key key = make_key(7);
    struct api_key found;
    struct visits visits = {.stop_after = SIZE_MAX, .in_order = true};
    assert_int_equal(store_key_delete(fixture->store, &key.id), STATUS_NOT_FOUND);
    assert_int_equal(put_key(fixture, 7), STATUS_OK);
    assert_int_equal(put_key(fixture, 8), STATUS_OK);
    assert_int_equal(store_key_delete(fixture->store, &key.id), STATUS_OK);
    assert_int_equal(store_key_delete(fixture->store, &key.id), STATUS_NOT_FOUND);
    assert_int_equal(store_key_find(fixture->store, key.digest, &found), STATUS_NOT_FOUND);
    assert_int_equal(store_key_revoke(fixture->store, &key.id, 5000), STATUS_NOT_FOUND);
    assert_int_equal(store_key_walk(fixture->store, visit, &visits), STATUS_OK);
    assert_int_equal(visits.count, 1);
    assert_int_equal(put_key(fixture, 7), STATUS_OK);
    api_key_clear(&key);
}

int run_key_tests(void)
{
    const struct CMUnitTest tests[] = {
        CONFORMANCE_TEST(a_key_is_found_by_its_digest),
        CONFORMANCE_TEST(neither_id_nor_digest_is_given_twice),
        CONFORMANCE_TEST(keys_are_walked_in_the_order_of_their_ids),
        CONFORMANCE_TEST(revoking_keeps_the_first_time),
        CONFORMANCE_TEST(a_deleted_key_was_never_there),
    };
    return cmocka_run_group_tests_name("keys", tests, NULL, NULL);
}
