/* Records: every member that is written is read back. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record_samples.h"

static void an_api_key_keeps_every_member(void **state)
{
    (void)state;
    struct api_key in, out;
    struct buf bytes = {0};
    make_api_key(&in);
    api_key_encode(&in, &bytes);
    assert_int_equal(api_key_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_memory_equal(&out.id, &in.id, sizeof in.id);
    assert_memory_equal(out.digest, in.digest, sizeof in.digest);
    assert_memory_equal(&out.organization_id, &in.organization_id, sizeof in.organization_id);
    assert_string_equal(out.created_user_id, in.created_user_id);
    assert_string_equal(out.name, in.name);
    assert_int_equal(out.scopes, in.scopes);
    assert_int_equal(out.created_at_ms, 1);
    assert_int_equal(out.expires_at_ms, 2);
    assert_int_equal(out.revoked_at_ms, INT64_MAX);
    api_key_clear(&in);
    api_key_clear(&out);
    buf_clear(&bytes);
}

static void an_absent_text_and_an_empty_one_are_different(void **state)
{
    (void)state;
    static const char *const names[] = {NULL, ""};
    for (size_t i = 0; i < 2; i++) {
        struct api_key in = {.created_user_id = mem_strdup(""), .name = names[i] ? mem_strdup(names[i]) : NULL}, out;
        struct buf bytes = {0};
        api_key_encode(&in, &bytes);
        assert_int_equal(api_key_decode(buf_slice(&bytes), &out), STATUS_OK);
        assert_int_equal(out.name == NULL, names[i] == NULL);
        assert_string_equal(out.created_user_id, "");
        api_key_clear(&in);
        api_key_clear(&out);
        buf_clear(&bytes);
    }
}

static void assert_lists_equal(const struct text_list *a, const struct text_list *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++)
        assert_string_equal(a->items[i], b->items[i]);
}

static void assert_bufs_equal(const struct buf *a, const struct buf *b)
{
    assert_int_equal(a->length, b->length);
    assert_memory_equal(buf_text(a), buf_text(b), a->length);
}

static void assert_secrets_equal(const struct secret_list *a, const struct secret_list *b)
{
    assert_int_equal(a->count, b->count);
    for (size_t i = 0; i < a->count; i++) {
        assert_int_equal(a->items[i].created_at_ms, b->items[i].created_at_ms);
        assert_int_equal(a->items[i].expires_at_ms, b->items[i].expires_at_ms);
        assert_memory_equal(a->items[i].digest, b->items[i].digest, SHA256_BYTES);
        assert_bufs_equal(&a->items[i].sealed, &b->items[i].sealed);
    }
}

static void a_subscription_keeps_every_member(void **state)
{
    (void)state;
    struct subscription in, out;
    struct buf bytes = {0};
    make_subscription(&in);
    subscription_encode(&in, &bytes);
    assert_int_equal(subscription_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_memory_equal(&out.id, &in.id, sizeof in.id);
    assert_memory_equal(&out.organization_id, &in.organization_id, sizeof in.organization_id);
    assert_true(out.version == UINT64_MAX);
    assert_false(out.is_deleted);
    assert_string_equal(out.created_user_id, in.created_user_id);
    assert_string_equal(out.name, in.name);
    assert_string_equal(out.url, in.url);
    assert_true(out.active);
    assert_int_equal(out.disabled_reason, DISABLED_FAILING);
    assert_int_equal(out.activated_at_ms, 4);
    assert_string_equal(out.description, "");
    assert_lists_equal(&out.events, &in.events);
    assert_lists_equal(&out.agent_ids, &in.agent_ids);
    assert_lists_equal(&out.workspace_ids, &in.workspace_ids);
    assert_bufs_equal(&out.sealed_headers, &in.sealed_headers);
    assert_int_equal(out.request_timeout_ms, 60000);
    assert_true(out.retry_policy.is_set);
    assert_int_equal(out.retry_policy.strategy, RETRY_FIXED_DELAY);
    assert_int_equal(out.retry_policy.max_attempts, 20);
    assert_int_equal(out.retry_policy.max_delay_ms, 86400000);
    assert_secrets_equal(&out.secrets, &in.secrets);
    assert_int_equal(out.created_at_ms, 5);
    assert_int_equal(out.updated_at_ms, 6);
    subscription_clear(&in);
    subscription_clear(&out);
    buf_clear(&bytes);
}

/* The first version ends with the secrets. */
static void a_subscription_of_the_first_version_has_been_active_since_its_creation(void **state)
{
    (void)state;
    struct subscription in, out;
    struct buf bytes = {0};
    make_subscription(&in);
    subscription_encode(&in, &bytes);
    bytes.data[0] = 1;
    assert_int_equal(subscription_decode((struct slice){bytes.data, bytes.length - 8}, &out), STATUS_OK);
    assert_int_equal(out.activated_at_ms, in.created_at_ms);
    assert_secrets_equal(&out.secrets, &in.secrets);
    subscription_clear(&out);
    bytes.data[0] = 2;
    assert_int_equal(subscription_decode((struct slice){bytes.data, bytes.length - 8}, &out), STATUS_CORRUPT);
    subscription_clear(&in);
    buf_clear(&bytes);
}

static void a_tombstone_keeps_ids_version_and_times_alone(void **state)
{
    (void)state;
    struct subscription in, out;
    struct buf bytes = {0};
    make_subscription(&in);
    in.is_deleted = true;
    subscription_encode(&in, &bytes);
    assert_null(memmem(bytes.data, bytes.length, "hooks", 5));
    assert_int_equal(subscription_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_true(out.is_deleted);
    assert_memory_equal(&out.id, &in.id, sizeof in.id);
    assert_true(out.version == UINT64_MAX);
    assert_int_equal(out.updated_at_ms, 6);
    assert_null(out.name);
    assert_int_equal(out.secrets.count, 0);
    subscription_clear(&in);
    subscription_clear(&out);
    buf_clear(&bytes);
}

static void an_old_secret_without_an_end_is_corrupt(void **state)
{
    (void)state;
    struct subscription in, out;
    struct buf bytes = {0};
    make_subscription(&in);
    in.secrets.items[1].expires_at_ms = 0;
    subscription_encode(&in, &bytes);
    assert_int_equal(subscription_decode(buf_slice(&bytes), &out), STATUS_CORRUPT);
    buf_reset(&bytes);
    in.secrets.items[1].expires_at_ms = 999;
    in.secrets.items[0].expires_at_ms = 999;
    subscription_encode(&in, &bytes);
    assert_int_equal(subscription_decode(buf_slice(&bytes), &out), STATUS_CORRUPT);
    subscription_clear(&in);
    buf_clear(&bytes);
}

static void an_event_keeps_every_member(void **state)
{
    (void)state;
    struct event in, out;
    struct buf bytes = {0};
    make_event(&in);
    event_encode(&in, &bytes);
    assert_int_equal(event_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_memory_equal(&out.id, &in.id, sizeof in.id);
    assert_memory_equal(&out.organization_id, &in.organization_id, sizeof in.organization_id);
    assert_int_equal(out.created_at_ms, 77);
    assert_string_equal(out.name, in.name);
    assert_string_equal(out.trace_id, in.trace_id);
    assert_string_equal(out.agent_id, in.agent_id);
    assert_null(out.workspace_id);
    assert_bufs_equal(&out.body, &in.body);
    assert_int_equal(out.expanded_count, 2);
    assert_int_equal(out.subscription_count, 3);
    assert_memory_equal(out.subscriptions, in.subscriptions, 3 * sizeof *in.subscriptions);
    event_clear(&in);
    event_clear(&out);
    buf_clear(&bytes);
}

static void an_event_that_expanded_beyond_its_list_is_corrupt(void **state)
{
    (void)state;
    struct event in, out;
    struct buf bytes = {0};
    make_event(&in);
    in.expanded_count = 4;
    event_encode(&in, &bytes);
    assert_int_equal(event_decode(buf_slice(&bytes), &out), STATUS_CORRUPT);
    event_clear(&in);
    buf_clear(&bytes);
}

static void a_delivery_keeps_every_member_and_the_readers_ids(void **state)
{
    (void)state;
    struct delivery out = {0};
    struct buf bytes = {0};
    fill(out.subscription_id.bytes, OBJECT_ID_BYTES, 1);
    fill(out.event_id.bytes, OBJECT_ID_BYTES, 100);
    delivery_encode(&whole_delivery, &bytes);
    assert_int_equal(delivery_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_int_equal(out.subscription_id.bytes[11], 12);
    assert_int_equal(out.event_id.bytes[0], 100);
    assert_memory_equal(&out.organization_id, &whole_delivery.organization_id, sizeof out.organization_id);
    assert_int_equal(out.status, DELIVERY_FAILED);
    assert_int_equal(out.generation, UINT32_MAX);
    assert_int_equal(out.lease_until_ms, -1);
    assert_int_equal(out.attempt_count, 4);
    assert_int_equal(out.budget_used, 3);
    assert_true(out.next_attempt_at_ms == INT64_MAX);
    assert_true(out.created_at_ms == INT64_MIN);
    assert_int_equal(out.finished_at_ms, 9);
    assert_true(out.is_forced);
    buf_clear(&bytes);
}

/* As version 1 had it: without the last byte. */
static void a_delivery_of_version_1_was_not_forced(void **state)
{
    (void)state;
    struct delivery out = {0};
    struct buf bytes = {0};
    delivery_encode(&whole_delivery, &bytes);
    bytes.data[0] = 1;
    assert_int_equal(delivery_decode(buf_slice(&bytes), &out), STATUS_CORRUPT);
    bytes.length--;
    assert_int_equal(delivery_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_int_equal(out.finished_at_ms, 9);
    assert_int_equal(out.attempt_count, 4);
    assert_false(out.is_forced);
    buf_clear(&bytes);
}

static void an_events_head_is_read_from_its_first_bytes(void **state)
{
    (void)state;
    struct event event;
    struct event_head head;
    struct buf bytes = {0};
    make_event(&event);
    event_encode(&event, &bytes);
    assert_int_equal(event_head_decode(buf_slice(&bytes), &head), STATUS_OK);
    assert_string_equal(head.name, event.name);
    assert_string_equal(head.trace_id, event.trace_id);
    assert_memory_equal(&head.organization_id, &event.organization_id, sizeof head.organization_id);
    bytes.length = 1 + OBJECT_ID_BYTES + UUID_BYTES + 8;
    assert_int_equal(event_head_decode(buf_slice(&bytes), &head), STATUS_CORRUPT);
    bytes.data[0] = 2;
    assert_int_equal(event_head_decode(buf_slice(&bytes), &head), STATUS_VERSION);
    event_clear(&event);
    buf_clear(&bytes);
}

static void the_longest_words_fit_in_a_head_and_longer_ones_are_corrupt(void **state)
{
    (void)state;
    for (size_t length = EVENT_WORD_SIZE - 1; length <= EVENT_WORD_SIZE; length++) {
        struct event event;
        struct event_head head;
        struct buf bytes = {0};
        make_event(&event);
        free(event.trace_id);
        event.trace_id = mem_calloc(length + 1, 1);
        memset(event.trace_id, 't', length);
        free(event.name);
        event.name = mem_strdup(event.trace_id);
        event_encode(&event, &bytes);
        struct slice first = {bytes.data, EVENT_HEAD_BYTES < bytes.length ? EVENT_HEAD_BYTES : bytes.length};
        enum status expected = length < EVENT_WORD_SIZE ? STATUS_OK : STATUS_CORRUPT;
        assert_int_equal(event_head_decode(first, &head), expected);
        event_clear(&event);
        buf_clear(&bytes);
    }
}

static void an_attempt_keeps_every_member(void **state)
{
    (void)state;
    struct attempt in, out;
    struct buf bytes = {0};
    make_attempt(&in);
    attempt_encode(&in, &bytes);
    assert_int_equal(attempt_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_int_equal(out.number, 3);
    assert_int_equal(out.started_at_ms, 10);
    assert_int_equal(out.duration_ms, 20);
    assert_int_equal(out.response_status, 503);
    assert_int_equal(out.error, ATTEMPT_TOO_LARGE);
    assert_int_equal(out.signature_count, 2);
    assert_bufs_equal(&out.response_headers, &in.response_headers);
    assert_bufs_equal(&out.response_body, &in.response_body);
    attempt_clear(&in);
    attempt_clear(&out);
    buf_clear(&bytes);
}

static void a_probe_keeps_every_member_and_the_readers_id(void **state)
{
    (void)state;
    struct probe out = {.subscription_id = {{9}}};
    struct buf bytes = {0};
    probe_encode(&whole_probe, &bytes);
    assert_int_equal(probe_decode(buf_slice(&bytes), &out), STATUS_OK);
    assert_int_equal(out.subscription_id.bytes[0], 9);
    assert_memory_equal(&out.organization_id, &whole_probe.organization_id, sizeof out.organization_id);
    assert_int_equal(out.status, PROBE_VOID);
    assert_int_equal(out.generation, UINT32_MAX);
    assert_int_equal(out.lease_until_ms, 7);
    assert_true(out.requested_at_ms == INT64_MIN);
    assert_true(out.finished_at_ms == INT64_MAX);
    assert_int_equal(out.replies[PROBE_NEW_SECRET].response_status, 204);
    assert_int_equal(out.replies[PROBE_NEW_SECRET].error, ATTEMPT_NO_ERROR);
    assert_int_equal(out.replies[PROBE_NEW_SECRET].duration_ms, 12);
    assert_int_equal(out.replies[PROBE_FORGED].response_status, 0);
    assert_int_equal(out.replies[PROBE_FORGED].error, ATTEMPT_PROTOCOL);
    assert_true(out.replies[PROBE_FORGED].duration_ms == INT64_MAX);
    buf_clear(&bytes);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_api_key_keeps_every_member),
        cmocka_unit_test(an_absent_text_and_an_empty_one_are_different),
        cmocka_unit_test(a_subscription_keeps_every_member),
        cmocka_unit_test(a_subscription_of_the_first_version_has_been_active_since_its_creation),
        cmocka_unit_test(a_tombstone_keeps_ids_version_and_times_alone),
        cmocka_unit_test(an_old_secret_without_an_end_is_corrupt),
        cmocka_unit_test(an_event_keeps_every_member),
        cmocka_unit_test(an_event_that_expanded_beyond_its_list_is_corrupt),
        cmocka_unit_test(a_delivery_keeps_every_member_and_the_readers_ids),
        cmocka_unit_test(a_delivery_of_version_1_was_not_forced),
        cmocka_unit_test(an_events_head_is_read_from_its_first_bytes),
        cmocka_unit_test(the_longest_words_fit_in_a_head_and_longer_ones_are_corrupt),
        cmocka_unit_test(an_attempt_keeps_every_member),
        cmocka_unit_test(a_probe_keeps_every_member_and_the_readers_id),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
