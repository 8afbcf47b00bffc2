/* What a change does to a subscription's record: settings, the signing lifecycle, the tombstone. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "api/apply_subscription.h"
#include "base/mem.h"
#include "keyring_fixture.h"

#define NOW INT64_C(1781259300000)

static const struct conf conf = {
    .retry_strategy = RETRY_EXPONENTIAL_BACKOFF, .retry_attempts = 8, .retry_max_delay_ms = 36000000};

static const char first[SECRET_TEXT] = "whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";
static const char second[SECRET_TEXT] = "whsec_BAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd";

static bool apply(const struct keyring *keyring, struct subscription *subscription, const char *body,
                  const char secret[SECRET_TEXT])
{
    struct subscription_input input;
    struct field_errors errors = {0};
    assert_null(subscription_input_read(slice_of(body), &conf, &input, &errors));
    bool is_issued = apply_subscription(subscription, &input, keyring, secret, NOW);
    struct subscription_input back;
    assert_int_equal(subscription_input_from(subscription, keyring, &back), STATUS_OK);
    assert_true(subscription_input_equals(&input, &back));
    subscription_input_clear(&back);
    subscription_input_clear(&input);
    return is_issued;
}

#define BODY(is_signed, more)                                                                                          \
    "{\"name\":\"n\",\"url\":\"https://example.com/\",\"enable_signed_webhooks\":" is_signed more "}"

static void settings_are_replaced_whole(void **state)
{
    struct subscription subscription = {.created_user_id = mem_strdup("u"), .version = 3};
    apply(*state, &subscription,
          BODY("false", ",\"description\":\"d\",\"events\":[\"A.B\"],\"headers\":{\"X-A\":\"1\"},\"agent_ids\":[\"a\"],"
                        "\"request_timeout_ms\":500,\"retry_policy\":{}"),
          first);
    apply(*state, &subscription, BODY("false", ",\"workspace_ids\":[\"w\"]"), first);
    assert_null(subscription.description);
    assert_int_equal(subscription.sealed_headers.length, 0);
    assert_string_equal(subscription.created_user_id, "u");
    assert_int_equal(subscription.version, 3);
    subscription_clear(&subscription);
}

static void signing_is_switched_on_once_and_off_at_once(void **state)
{
    struct subscription subscription = {0};
    assert_false(apply(*state, &subscription, BODY("false", ""), first));
    assert_int_equal(subscription.secrets.count, 0);

    assert_true(apply(*state, &subscription, BODY("true", ""), first));
    assert_int_equal(subscription.secrets.count, 1);
    assert_int_equal(subscription.secrets.items[0].created_at_ms, NOW);
    assert_int_equal(subscription.secrets.items[0].expires_at_ms, 0);

    unsigned char digest[SHA256_BYTES];
    memcpy(digest, subscription.secrets.items[0].digest, sizeof digest);
    assert_false(apply(*state, &subscription, BODY("true", ""), second));
    assert_memory_equal(subscription.secrets.items[0].digest, digest, sizeof digest);

    assert_false(apply(*state, &subscription, BODY("false", ""), second));
    assert_int_equal(subscription.secrets.count, 0);
    assert_null(subscription.secrets.items[0].sealed.data);

    assert_true(apply(*state, &subscription, BODY("true", ""), second));
    assert_memory_not_equal(subscription.secrets.items[0].digest, digest, sizeof digest);
    subscription_clear(&subscription);
}

static void previous_secrets_and_their_windows_stay_while_signing_stays_on(void **state)
{
    struct subscription subscription = {0};
    apply(*state, &subscription, BODY("true", ""), first);
    struct secret fresh;
    int64_t until_ms = 0;
    secret_seal(*state, "000000000000000000000000", second, NOW, &fresh);
    assert_int_equal(secret_list_rotate(&subscription.secrets, &fresh, NOW, 1000, &until_ms), STATUS_OK);
    assert_false(apply(*state, &subscription, BODY("true", ""), first));
    assert_int_equal(subscription.secrets.count, 2);
    assert_int_equal(subscription.secrets.items[1].expires_at_ms, NOW + 1000);
    subscription_clear(&subscription);
}

static void activation_alone_clears_the_reason_for_which_it_was_switched_off(void **state)
{
    struct subscription subscription = {.disabled_reason = DISABLED_GONE};
    apply(*state, &subscription, BODY("false", ",\"active\":false"), first);
    assert_int_equal(subscription.disabled_reason, DISABLED_GONE);
    apply(*state, &subscription, BODY("false", ""), first);
    assert_int_equal(subscription.disabled_reason, DISABLED_NOT);
    assert_true(subscription.active);
    subscription_clear(&subscription);
}

static void a_fresh_start_is_an_activation_or_another_url(void **state)
{
    struct subscription subscription = {0};
    apply(*state, &subscription, BODY("false", ",\"active\":false"), first);
    assert_int_equal(subscription.activated_at_ms, 0);
    apply(*state, &subscription, BODY("false", ""), first);
    assert_int_equal(subscription.activated_at_ms, NOW);
    subscription.activated_at_ms = 5;
    apply(*state, &subscription, BODY("false", ",\"description\":\"d\""), first);
    assert_int_equal(subscription.activated_at_ms, 5);
    apply(*state, &subscription, "{\"name\":\"n\",\"url\":\"https://example.org/\",\"enable_signed_webhooks\":false}",
          first);
    assert_int_equal(subscription.activated_at_ms, NOW);
    subscription_clear(&subscription);
}

static void a_tombstone_keeps_ids_version_and_times_alone(void **state)
{
    struct subscription subscription = {.id = {{1}}, .organization_id = {{2}}, .version = 5, .created_at_ms = 7};
    apply(*state, &subscription, BODY("true", ",\"headers\":{\"X-A\":\"1\"}"), first);
    apply_deletion(&subscription, NOW);
    assert_true(subscription.is_deleted);
    assert_int_equal(subscription.id.bytes[0], 1);
    assert_int_equal(subscription.organization_id.bytes[0], 2);
    assert_int_equal(subscription.version, 5);
    assert_int_equal(subscription.created_at_ms, 7);
    assert_int_equal(subscription.updated_at_ms, NOW);
    assert_null(subscription.name);
    assert_null(subscription.url);
    assert_int_equal(subscription.sealed_headers.length, 0);
    assert_int_equal(subscription.secrets.count, 0);
    assert_null(subscription.secrets.items[0].sealed.data);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(settings_are_replaced_whole),
        cmocka_unit_test(signing_is_switched_on_once_and_off_at_once),
        cmocka_unit_test(previous_secrets_and_their_windows_stay_while_signing_stays_on),
        cmocka_unit_test(activation_alone_clears_the_reason_for_which_it_was_switched_off),
        cmocka_unit_test(a_fresh_start_is_an_activation_or_another_url),
        cmocka_unit_test(a_tombstone_keeps_ids_version_and_times_alone),
    };
    return cmocka_run_group_tests(tests, keyring_fixture_open, keyring_fixture_close);
}
