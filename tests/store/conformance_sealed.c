/* What is sealed under the master key, and that key's change: short forms for the tests of copies and of new keys. */
#include "conformance.h"

#include <fcntl.h>
#include <string.h>
#include <sys/file.h>

enum status apply_sealed(void *context, int64_t now_ms, struct subscription *subscription)
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

struct object_id add_sealed(struct fixture *fixture, const char *name)
{
    struct object_id id = add_subscription(fixture, name);
    struct change change = {.apply = apply_sealed, .context = fixture};
    assert_int_equal(store_subscription_update(fixture->store, &fixture->org, &id, &change), STATUS_OK);
    return id;
}

void assert_sealed(struct fixture *fixture, const struct object_id *id, bool is_current)
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

enum status answer_once(struct fixture *fixture, const struct object_id *id, unsigned char byte)
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

void rekey(struct fixture *fixture, struct store_rekey *out)
{
    struct failure failure = {""};
    if (store_rekey(fixture->store, &fixture->conf, &never_stops, out, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
}

int hold_keys(struct fixture *fixture)
{
    struct place lock = place_of(fixture, "rekey.lock");
    int held = open(lock.path, O_RDWR | O_CREAT, 0600);
    assert_int_equal(flock(held, LOCK_EX | LOCK_NB), 0);
    return held;
}
