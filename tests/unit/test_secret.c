/* Secrets and their rotation: what is valid when, to the millisecond. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/encoding.h"
#include "model/secret.h"
#include "keyring_fixture.h"

#define NOW INT64_C(1781259300000)
#define GRACE INT64_C(259200000)
static const char subscription_id[] = "0192f3c4d5e6f708192a3b4c";

/* Rotation never looks into the sealed bytes; the digest tells the secrets apart. */
static struct secret secret_of(unsigned char mark, int64_t created_at_ms)
{
    struct secret secret = {.created_at_ms = created_at_ms};
    memset(secret.digest, mark, sizeof secret.digest);
    buf_append(&secret.sealed, &mark, 1);
    return secret;
}

static struct secret_list list_of_one(unsigned char mark)
{
    struct secret_list list = {.count = 1};
    list.items[0] = secret_of(mark, NOW);
    return list;
}

static int64_t rotate(struct secret_list *list, unsigned char mark, int64_t now_ms, int64_t grace_ms)
{
    struct secret fresh = secret_of(mark, now_ms);
    int64_t until_ms = -1;
    assert_int_equal(secret_list_rotate(list, &fresh, now_ms, grace_ms, &until_ms), STATUS_OK);
    assert_null(fresh.sealed.data);
    assert_int_equal(list->items[0].digest[0], mark);
    return until_ms;
}

static enum status rotate_refused(struct secret_list *list, int64_t now_ms)
{
    struct secret fresh = secret_of(0xff, now_ms);
    size_t count = list->count;
    int64_t until_ms = -1;
    enum status status = secret_list_rotate(list, &fresh, now_ms, GRACE, &until_ms);
    assert_int_equal(until_ms, -1);
    assert_int_equal(list->count, count);
    assert_non_null(fresh.sealed.data);
    secret_clear(&fresh);
    return status;
}

static bool holds_valid(const struct secret_list *list, unsigned char mark, int64_t now_ms)
{
    unsigned char digest[SHA256_BYTES];
    memset(digest, mark, sizeof digest);
    return secret_list_find(list, digest, now_ms) != NULL;
}

static void made_secrets_have_the_published_form(void **state)
{
    (void)state;
    char a[SECRET_TEXT], b[SECRET_TEXT];
    unsigned char bytes[30];
    size_t length = 0;
    secret_make(a);
    secret_make(b);
    assert_int_equal(strlen(a), 46);
    assert_memory_equal(a, "whsec_", 6);
    assert_int_equal(base64_decode(a + 6, 40, bytes, sizeof bytes, &length), STATUS_OK);
    assert_int_equal(length, 30);
    assert_string_not_equal(a, b);
}

static void rotation_keeps_the_replaced_secret_until_the_last_millisecond(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    assert_int_equal(rotate(&list, 2, NOW + 5, GRACE), NOW + 5 + GRACE);
    assert_true(holds_valid(&list, 1, NOW + 5));
    assert_true(holds_valid(&list, 1, NOW + 5 + GRACE - 1));
    assert_false(holds_valid(&list, 1, NOW + 5 + GRACE));
    assert_true(holds_valid(&list, 2, NOW + 5 + GRACE));
    assert_int_equal(secret_list_valid_count(&list, NOW + 5 + GRACE - 1), 2);
    assert_int_equal(secret_list_valid_count(&list, NOW + 5 + GRACE), 1);
    assert_int_equal(secret_list_previous_expires_at(&list, NOW + 5 + GRACE - 1), NOW + 5 + GRACE);
    assert_int_equal(secret_list_previous_expires_at(&list, NOW + 5 + GRACE), 0);
    secret_list_clear(&list);
}

static void rotation_inside_the_window_takes_nothing_back(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    rotate(&list, 2, NOW + 1000, GRACE);
    assert_int_equal(rotate(&list, 3, NOW + 2000, GRACE), NOW + 2000 + GRACE);
    assert_int_equal(secret_list_valid_count(&list, NOW + 2000), 3);
    assert_int_equal(secret_list_previous_count(&list, NOW + 2000), 2);
    assert_true(holds_valid(&list, 1, NOW + 1000 + GRACE - 1));
    assert_false(holds_valid(&list, 1, NOW + 1000 + GRACE));
    assert_true(holds_valid(&list, 2, NOW + 1000 + GRACE));
    assert_int_equal(list.items[1].digest[0], 2);
    assert_int_equal(list.items[2].digest[0], 1);
    secret_list_clear(&list);
}

static void a_shorter_grace_shortens_no_window_promised_before(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    int64_t promised_ms = rotate(&list, 2, NOW, GRACE);
    assert_int_equal(rotate(&list, 3, NOW + 1, 60000), NOW + 60001);
    assert_true(holds_valid(&list, 1, promised_ms - 1));
    assert_int_equal(secret_list_previous_expires_at(&list, NOW + 1), promised_ms);
    secret_list_clear(&list);
}

static void without_grace_the_replaced_secret_ends_at_once(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    assert_int_equal(rotate(&list, 2, NOW, 0), NOW);
    assert_false(holds_valid(&list, 1, NOW));
    assert_true(holds_valid(&list, 1, NOW - 1));
    assert_int_equal(secret_list_previous_count(&list, NOW), 0);
    secret_list_clear(&list);
}

static void rotating_an_unsigned_subscription_is_a_conflict(void **state)
{
    (void)state;
    struct secret_list list = {0};
    assert_int_equal(rotate_refused(&list, NOW), STATUS_CONFLICT);
}

static void a_ninth_valid_secret_is_refused_and_changes_nothing(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    for (unsigned char mark = 2; mark <= SECRETS_VALID_MAX; mark++)
        rotate(&list, mark, NOW + mark, GRACE);
    assert_int_equal(secret_list_valid_count(&list, NOW + 100), SECRETS_VALID_MAX);
    assert_int_equal(rotate_refused(&list, NOW + 100), STATUS_LIMIT);
    assert_int_equal(rotate_refused(&list, NOW + 2 + GRACE - 1), STATUS_LIMIT);
    assert_int_equal(list.items[0].expires_at_ms, 0);
    rotate(&list, 9, NOW + 2 + GRACE, GRACE); /* the first window has ended */
    assert_int_equal(secret_list_valid_count(&list, NOW + 2 + GRACE), SECRETS_VALID_MAX);
    secret_list_clear(&list);
}

static void an_ended_secret_lingers_for_attempts_that_started_before(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    int64_t end_ms = rotate(&list, 2, NOW, 1000);
    rotate(&list, 3, end_ms + SECRET_LINGER_MS - 1, GRACE);
    assert_int_equal(list.count, 3);
    assert_true(holds_valid(&list, 1, end_ms - 1));
    rotate(&list, 4, end_ms + SECRET_LINGER_MS, GRACE);
    assert_int_equal(list.count, 3);
    assert_false(holds_valid(&list, 1, end_ms - 1));
    secret_list_clear(&list);
}

static void lingering_secrets_never_stand_in_the_way_of_a_rotation(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    for (unsigned char mark = 2; mark <= 100; mark++)
        rotate(&list, mark, NOW + mark, 2);
    assert_int_equal(list.count, SECRETS_STORED_MAX);
    assert_int_equal(secret_list_valid_count(&list, NOW + 100), 3);
    assert_true(holds_valid(&list, 100, NOW + 100));
    assert_true(holds_valid(&list, 98, NOW + 100));
    secret_list_clear(&list);
}

static void a_clock_that_steps_back_invalidates_nothing(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    rotate(&list, 2, NOW + 10000, GRACE);
    assert_int_equal(secret_list_valid_count(&list, NOW - 5000), 2);
    assert_int_equal(rotate(&list, 3, NOW - 5000, GRACE), NOW - 5000 + GRACE);
    assert_int_equal(secret_list_valid_count(&list, NOW - 5000), 3);
    assert_true(holds_valid(&list, 1, NOW + 10000 + GRACE - 1));
    assert_true(holds_valid(&list, 3, NOW - 60000));
    secret_list_clear(&list);
}

static void an_empty_list_has_nothing(void **state)
{
    (void)state;
    struct secret_list list = {0};
    assert_int_equal(secret_list_valid_count(&list, NOW), 0);
    assert_int_equal(secret_list_previous_count(&list, NOW), 0);
    assert_int_equal(secret_list_previous_expires_at(&list, NOW), 0);
    assert_false(holds_valid(&list, 1, NOW));
}

static void a_sealed_secret_opens_for_its_own_subscription_alone(void **state)
{
    const struct keyring *keyring = *state;
    char text[SECRET_TEXT], opened[SECRET_TEXT];
    struct secret secret;
    secret_make(text);
    secret_seal(keyring, subscription_id, text, NOW, &secret);
    assert_int_equal(secret.created_at_ms, NOW);
    assert_int_equal(secret.expires_at_ms, 0);
    assert_null(memmem(secret.sealed.data, secret.sealed.length, text, 46));
    assert_int_equal(secret_unseal(keyring, subscription_id, &secret, opened), STATUS_OK);
    assert_string_equal(opened, text);
    assert_int_equal(secret_unseal(keyring, "0192f3c4d5e6f708192a3b4d", &secret, opened), STATUS_CORRUPT);
    secret.sealed.data[secret.sealed.length - 1] ^= 1;
    assert_int_equal(secret_unseal(keyring, subscription_id, &secret, opened), STATUS_CORRUPT);
    secret_clear(&secret);
}

static void a_sealed_secret_must_fit_its_digest(void **state)
{
    char text[SECRET_TEXT], opened[SECRET_TEXT];
    struct secret secret;
    secret_make(text);
    secret_seal(*state, subscription_id, text, NOW, &secret);
    secret.digest[31] ^= 1;
    assert_int_equal(secret_unseal(*state, subscription_id, &secret, opened), STATUS_CORRUPT);
    secret_clear(&secret);
}

/* printf whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd | sha256sum */
static void the_fingerprint_starts_the_digest_of_the_whole_text(void **state)
{
    char fingerprint[SECRET_FINGERPRINT];
    struct secret secret;
    secret_seal(*state, subscription_id, "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd", NOW, &secret);
    secret_fingerprint(&secret, fingerprint);
    assert_string_equal(fingerprint, "3514d73b5f5a");
    secret_clear(&secret);
}

static void revoking_destroys_all_but_the_newest_and_counts_the_valid_ones(void **state)
{
    (void)state;
    struct secret_list list = list_of_one(1);
    size_t revoked = 99;
    rotate(&list, 2, NOW + 1000, 500);
    rotate(&list, 3, NOW + 2000, GRACE);
    assert_int_equal(list.count, 3);
    assert_int_equal(secret_list_revoke(&list, NOW + 2000, &revoked), STATUS_OK);
    assert_int_equal(revoked, 1);
    assert_int_equal(list.count, 1);
    assert_int_equal(list.items[0].digest[0], 3);
    assert_null(list.items[1].sealed.data);
    assert_int_equal(secret_list_revoke(&list, NOW + 2000, &revoked), STATUS_OK);
    assert_int_equal(revoked, 0);
    secret_list_clear(&list);
    assert_int_equal(secret_list_revoke(&list, NOW, &revoked), STATUS_CONFLICT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(made_secrets_have_the_published_form),
        cmocka_unit_test(rotation_keeps_the_replaced_secret_until_the_last_millisecond),
        cmocka_unit_test(rotation_inside_the_window_takes_nothing_back),
        cmocka_unit_test(a_shorter_grace_shortens_no_window_promised_before),
        cmocka_unit_test(without_grace_the_replaced_secret_ends_at_once),
        cmocka_unit_test(rotating_an_unsigned_subscription_is_a_conflict),
        cmocka_unit_test(a_ninth_valid_secret_is_refused_and_changes_nothing),
        cmocka_unit_test(an_ended_secret_lingers_for_attempts_that_started_before),
        cmocka_unit_test(lingering_secrets_never_stand_in_the_way_of_a_rotation),
        cmocka_unit_test(a_clock_that_steps_back_invalidates_nothing),
        cmocka_unit_test(an_empty_list_has_nothing),
        cmocka_unit_test(revoking_destroys_all_but_the_newest_and_counts_the_valid_ones),
        cmocka_unit_test(a_sealed_secret_opens_for_its_own_subscription_alone),
        cmocka_unit_test(a_sealed_secret_must_fit_its_digest),
        cmocka_unit_test(the_fingerprint_starts_the_digest_of_the_whole_text),
    };
    return cmocka_run_group_tests(tests, keyring_fixture_open, keyring_fixture_close);
}
