/* Records of an export: in both forms each is read as it was written, and what could not have been exported is not
 * read. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include "keyring_fixture.h"
#include "model/export_record_json.h"
#include "record_samples.h"

static struct export_record_form form_of(const struct keyring *keyring, bool is_plain)
{
    struct export_record_form form = {.keyring = keyring, .is_plain = is_plain};
    char fingerprint[KEYRING_FINGERPRINT];
    keyring_fingerprint(keyring, fingerprint);
    memcpy(form.key_name, fingerprint, KEYRING_NAME - 1);
    return form;
}

static void seal_into(const struct keyring *keyring, struct subscription *subscription)
{
    char id[OBJECT_ID_TEXT], text[SECRET_TEXT];
    struct header_list headers = {0};
    object_id_format(&subscription->id, id);
    for (size_t i = 0; i < subscription->secrets.count; i++) {
        struct secret *secret = &subscription->secrets.items[i];
        const struct secret times = *secret;
        buf_clear(&secret->sealed);
        secret_make(text);
        secret_seal(keyring, id, text, times.created_at_ms, secret);
        secret->expires_at_ms = times.expires_at_ms;
    }
    header_list_add(&headers, "X-Token", "of the subscriber");
    subscription_seal_headers(subscription, keyring, &headers);
    header_list_clear(&headers);
}

/* One of each kind, as an export could hold it. */
static struct export_record make(enum export_record_kind kind, const struct keyring *keyring)
{
    struct export_record item = {.kind = kind};
    switch (kind) {
    case EXPORT_RECORD_API_KEY:
        make_api_key(&item.api_key);
        item.api_key.revoked_at_ms = 3;
        break;
    case EXPORT_RECORD_ANSWER:
        item.answer.expires_at_ms = 5;
        fill(item.answer.key, sizeof item.answer.key, 1);
        fill(item.answer.fingerprint, sizeof item.answer.fingerprint, 200);
        keyring_seal(keyring, (struct slice){(const char *)item.answer.key, SHA256_BYTES}, slice_of("answer"),
                     &item.answer.sealed);
        break;
    case EXPORT_RECORD_SUBSCRIPTION:
        make_subscription(&item.subscription);
        item.subscription.version = 7;
        item.subscription.active = false;
        text_list_clear(&item.subscription.workspace_ids);
        item.failing_since_ms = 99;
        seal_into(keyring, &item.subscription);
        break;
    case EXPORT_RECORD_PROBE:
        item.probe = (struct probe){.status = PROBE_DONE, .generation = 4, .requested_at_ms = 1, .finished_at_ms = 2};
        item.probe.replies[PROBE_NEW_SECRET] = (struct probe_reply){204, ATTEMPT_NO_ERROR, 5};
        item.probe.replies[PROBE_FORGED] = (struct probe_reply){0, ATTEMPT_TIMEOUT, 6};
        break;
    case EXPORT_RECORD_EVENT:
        make_event(&item.event);
        item.event.expanded_count = item.event.subscription_count;
        break;
    case EXPORT_RECORD_DELIVERY:
        item.delivery = (struct delivery){.status = DELIVERY_FAILED,
                                          .generation = 5,
                                          .lease_until_ms = 9,
                                          .attempt_count = 3,
                                          .budget_used = 2,
                                          .created_at_ms = 1,
                                          .finished_at_ms = 8,
                                          .is_forced = true};
        break;
    default:
        make_attempt(&item.attempt);
        break;
    }
    return item;
}

/* What the store would keep of it. */
static void encode(const struct export_record *item, struct buf *out)
{
    switch (item->kind) {
    case EXPORT_RECORD_API_KEY:
        api_key_encode(&item->api_key, out);
        break;
    case EXPORT_RECORD_SUBSCRIPTION:
        subscription_encode(&item->subscription, out);
        buf_append(out, &item->failing_since_ms, sizeof item->failing_since_ms);
        break;
    case EXPORT_RECORD_PROBE:
        probe_encode(&item->probe, out);
        break;
    case EXPORT_RECORD_EVENT:
        event_encode(&item->event, out);
        break;
    case EXPORT_RECORD_DELIVERY:
        delivery_encode(&item->delivery, out);
        break;
    case EXPORT_RECORD_ATTEMPT:
        attempt_encode(&item->attempt, out);
        break;
    default:
        buf_append(out, item->answer.key, 2 * SHA256_BYTES);
        buf_append(out, &item->answer.expires_at_ms, sizeof item->answer.expires_at_ms);
        buf_append_slice(out, buf_slice(&item->answer.sealed));
    }
}

static struct export_record read_back(const struct export_record *item, const struct export_record_form *form)
{
    struct buf line = {0};
    struct export_record found;
    struct failure failure = {""};
    assert_int_equal(export_record_format(item, form, &line), STATUS_OK);
    assert_null(memchr(line.data, '\n', line.length));
    if (export_record_parse(buf_slice(&line), form, &found, &failure) != STATUS_OK)
        fail_msg("%s: %s", failure.text, buf_text(&line));
    buf_clear(&line);
    return found;
}

static void what_is_sealed_stays_the_same_bytes(void **state)
{
    const struct export_record_form form = form_of(*state, false);
    for (unsigned kind = 0; kind < EXPORT_RECORD_KINDS; kind++) {
        struct buf before = {0}, after = {0};
        struct export_record item = make((enum export_record_kind)kind, *state), found = read_back(&item, &form);
        encode(&item, &before);
        encode(&found, &after);
        assert_int_equal(before.length, after.length);
        assert_memory_equal(before.data, after.data, before.length);
        buf_clear(&before);
        buf_clear(&after);
        export_record_clear(&item);
        export_record_clear(&found);
    }
}

static void what_is_in_clear_is_sealed_when_it_is_read(void **state)
{
    const struct export_record_form form = form_of(*state, true);
    struct export_record item = make(EXPORT_RECORD_SUBSCRIPTION, *state), found = read_back(&item, &form);
    char id[OBJECT_ID_TEXT], before[SECRET_TEXT], after[SECRET_TEXT];
    struct header_list headers;
    object_id_format(&item.subscription.id, id);
    assert_int_equal(found.subscription.secrets.count, item.subscription.secrets.count);
    for (size_t i = 0; i < item.subscription.secrets.count; i++) {
        const struct secret *one = &item.subscription.secrets.items[i], *other = &found.subscription.secrets.items[i];
        assert_int_equal(secret_unseal(*state, id, one, before), STATUS_OK);
        assert_int_equal(secret_unseal(*state, id, other, after), STATUS_OK);
        assert_string_equal(before, after);
        assert_true(one->created_at_ms == other->created_at_ms && one->expires_at_ms == other->expires_at_ms);
    }
    assert_int_equal(subscription_unseal_headers(&found.subscription, *state, &headers), STATUS_OK);
    assert_string_equal(headers.items[0].value, "of the subscriber");
    header_list_clear(&headers);
    export_record_clear(&item);
    export_record_clear(&found);
}

static void a_tombstone_is_read_as_one(void **state)
{
    const struct export_record_form form = form_of(*state, false);
    struct export_record item = {.kind = EXPORT_RECORD_SUBSCRIPTION};
    item.subscription = (struct subscription){.version = 3, .is_deleted = true, .created_at_ms = 1, .updated_at_ms = 2};
    struct export_record found = read_back(&item, &form);
    assert_true(found.subscription.is_deleted && found.subscription.updated_at_ms == 2);
    export_record_clear(&found);
}

static void nothing_is_written_under_another_key_than_the_one_named(void **state)
{
    struct export_record_form form = form_of(*state, false);
    struct export_record item = make(EXPORT_RECORD_SUBSCRIPTION, *state);
    struct buf line = {0};
    memcpy(form.key_name, "00000000", sizeof form.key_name);
    assert_int_equal(export_record_format(&item, &form, &line), STATUS_CONFLICT);
    assert_int_equal(line.length, 0);
    form = form_of(*state, false);
    buf_clear(&item.subscription.secrets.items[0].sealed);
    assert_int_equal(export_record_format(&item, &form, &line), STATUS_CORRUPT);
    export_record_clear(&item);
    buf_clear(&line);
}

/* A plain record with one text in place of another. */
static void assert_refused(const struct keyring *keyring, enum export_record_kind kind, const char *text,
                           const char *instead, const char *why)
{
    const struct export_record_form form = form_of(keyring, true);
    struct export_record item = make(kind, keyring), found;
    struct buf line = {0}, changed = {0};
    struct failure failure = {""};
    assert_int_equal(export_record_format(&item, &form, &line), STATUS_OK);
    const char *at = strstr(buf_text(&line), text);
    if (at == NULL)
        fail_msg("%s is not in %s", text, buf_text(&line));
    buf_append(&changed, line.data, (size_t)(at - line.data));
    buf_append_text(&changed, instead);
    buf_append_text(&changed, at + strlen(text));
    assert_int_equal(export_record_parse(buf_slice(&changed), &form, &found, &failure), STATUS_INVALID);
    if (strstr(failure.text, why) == NULL)
        fail_msg("\"%s\" does not say \"%s\"", failure.text, why);
    buf_clear(&line);
    buf_clear(&changed);
    export_record_clear(&item);
}

static void what_could_not_have_been_exported_is_refused(void **state)
{
    static const struct {
        enum export_record_kind kind;
        const char *text, *instead, *why;
    } rows[] = {
        {EXPORT_RECORD_API_KEY, "\"api_key\"", "\"key\"", "type"},
        {EXPORT_RECORD_API_KEY, "\"type\"", "\"typ\"", "type is missing"},
        {EXPORT_RECORD_API_KEY, "\"id\":\"0102", "\"id\":\"010", "id"},
        {EXPORT_RECORD_API_KEY, "\"manage\"", "\"rule\"", "scopes"},
        {EXPORT_RECORD_API_KEY, "\"created_at\":\"1970", "\"created_at\":\"1960", "created_at"},
        {EXPORT_RECORD_ANSWER, "\"plain\":\"", "\"plain\":\"?", "base64"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"version\":7", "\"version\":0", "version is out of range"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"version\":7", "\"version\":4611686018427387904", "version is out of range"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"version\":7", "\"version\":7.5", "version has the wrong type"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"name\":\"hooks\"", "\"name\":\" \"", "name"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"name\":\"hooks\"", "\"name\":\"\\u0000\"", "U+0000"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"name\":\"hooks\"", "\"name\":\"\\ud800\"", "half"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"https://", "\"gopher://", "url"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"Call.*\"", "\"Call\"", "events"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"active\":false", "\"active\":true", "disabled_reason"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"request_timeout_ms\":60000", "\"request_timeout_ms\":99", "request_timeout_ms"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"maxRetryAttempts\":20", "\"maxRetryAttempts\":21", "maxRetryAttempts"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"X-Token\"", "\"Host\"", "headers"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"secret\":\"whsec_", "\"secret\":\"whsec-", "no signing secret"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"signing_secrets\":[", "\"signing_secrets\":[1,", "signing_secrets"},
        {EXPORT_RECORD_SUBSCRIPTION, "\"signing_secrets\":[", "\"signing_secrets\":[[[[[[[[]]]]]]],", "deep"},
        {EXPORT_RECORD_PROBE, "\"DONE\"", "\"VOID\"", "status"},
        {EXPORT_RECORD_PROBE, "\"TIMEOUT\"", "\"LATE\"", "error"},
        {EXPORT_RECORD_EVENT, "\"id\":\"01", "\"id\":\"10", "no event's"},
        {EXPORT_RECORD_EVENT, "\"trace_id\":\"t\"", "\"trace_id\":\"t t\"", "trace_id"},
        {EXPORT_RECORD_EVENT, "\"subscription_ids\":[", "\"subscription_ids\":[\"x\",", "subscription_ids"},
        {EXPORT_RECORD_DELIVERY, "\"FAILED\"", "\"LOST\"", "status"},
        {EXPORT_RECORD_DELIVERY, "\"generation\":5", "\"generation\":1000000001", "generation"},
        {EXPORT_RECORD_DELIVERY, "\"attempt_count\":3", "\"attempt_count\":4294967295", "attempt_count"},
        {EXPORT_RECORD_DELIVERY, "\"type\"", "\"status\":\"FAILED\",\"type\"", "twice"},
        {EXPORT_RECORD_ATTEMPT, "\"number\":", "\"number\":-", "number"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        assert_refused(*state, rows[i].kind, rows[i].text, rows[i].instead, rows[i].why);
}

/* An event's line whose list has `count` times `value`. The caller clears. */
static struct buf list_line(const char *value, size_t count)
{
    struct buf line = {0};
    buf_append_text(
        &line, "{\"type\":\"event\",\"id\":\"010203040506070809101112\",\"created_at\":\"1970-01-01T00:00:01.000Z\","
               "\"organization_id\":\"01234567-89ab-4def-8123-456789abcdef\",\"name\":\"A.b\",\"trace_id\":\"t\","
               "\"body\":\"{}\",\"subscription_ids\":[");
    for (size_t i = 0; i < count; i++)
        buf_printf(&line, "%s%s", i > 0 ? "," : "", value);
    buf_append_text(&line, "]}");
    return line;
}

static void a_line_holds_a_long_list_of_ids_and_no_longer_one_of_anything_else(void **state)
{
    const struct export_record_form form = form_of(*state, true);
    struct export_record found;
    struct failure failure = {""};
    struct buf ids = list_line("\"0123456789abcdef01234567\"", 20000), numbers = list_line("1", 20000);
    assert_int_equal(export_record_parse(buf_slice(&ids), &form, &found, &failure), STATUS_OK);
    assert_int_equal(found.event.subscription_count, 20000);
    export_record_clear(&found);
    assert_int_equal(export_record_parse(buf_slice(&numbers), &form, &found, &failure), STATUS_INVALID);
    assert_non_null(strstr(failure.text, "more values"));
    buf_clear(&ids);
    buf_clear(&numbers);
}

static void members_that_are_not_known_are_passed_over(void **state)
{
    const struct export_record_form form = form_of(*state, false);
    struct export_record found;
    struct failure failure;
    static const char line[] =
        "{\"type\":\"subscription\",\"of tomorrow\":{\"a\":[1]},\"id\":\"0102030405060708090a0b0c\","
        "\"organization_id\":\"01234567-89ab-4def-8123-456789abcdef\",\"version\":2,"
        "\"deleted\":true,\"created_at\":\"2026-06-12T10:15:00Z\","
        "\"updated_at\":\"2026-06-12T12:15:00.5+01:00\",\"name\":null}";
    assert_int_equal(export_record_parse(slice_of(line), &form, &found, &failure), STATUS_OK);
    assert_true(found.subscription.updated_at_ms - found.subscription.created_at_ms == 3600500);
    export_record_clear(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_sealed_stays_the_same_bytes),
        cmocka_unit_test(what_is_in_clear_is_sealed_when_it_is_read),
        cmocka_unit_test(a_tombstone_is_read_as_one),
        cmocka_unit_test(nothing_is_written_under_another_key_than_the_one_named),
        cmocka_unit_test(what_could_not_have_been_exported_is_refused),
        cmocka_unit_test(a_line_holds_a_long_list_of_ids_and_no_longer_one_of_anything_else),
        cmocka_unit_test(members_that_are_not_known_are_passed_over),
    };
    return cmocka_run_group_tests(tests, keyring_fixture_open, keyring_fixture_close);
}
