/* Composing an event's body, and whom an event concerns. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/mem.h"
#include "model/event.h"

static struct event event_of(const char *name)
{
    struct event event = {.created_at_ms = INT64_C(1781259300123)};
    assert_int_equal(uuid_parse("6c1c4a3e-3f0e-4f6c-9f6e-0a2d7b9c1d11", &event.organization_id), STATUS_OK);
    event.name = mem_strdup(name);
    event.trace_id = mem_strdup("trace_1-A");
    return event;
}

/* NULL ends the filters. */
static bool matches(const char *name, const char *const *filters)
{
    struct event event = event_of(name);
    struct subscription subscription = {.active = true};
    for (; *filters != NULL; filters++)
        text_list_add(&subscription.events, *filters, strlen(*filters));
    bool result = event_matches(&event, &subscription);
    event_clear(&event);
    subscription_clear(&subscription);
    return result;
}
#define FILTERS(...) ((const char *const[]){__VA_ARGS__, NULL})
static const char *const no_filters[] = {NULL};

static void the_body_is_composed_byte_for_byte(void **state)
{
    (void)state;
    struct event event = event_of("Call.Ended");
    event_compose_body(&event, slice_of("{ \"b\":1.0,\"a\" : [ 1e2 ] }"));
    assert_string_equal(buf_text(&event.body),
                        "{\"organizationId\":\"6c1c4a3e-3f0e-4f6c-9f6e-0a2d7b9c1d11\",\"traceId\":\"trace_1-A\","
                        "\"eventName\":\"Call.Ended\",\"timestamp\":1781259300.123,"
                        "\"payload\":{ \"b\":1.0,\"a\" : [ 1e2 ] }}");
    event.created_at_ms = INT64_C(1781259300007);
    event_compose_body(&event, slice_of("{}"));
    assert_non_null(strstr(buf_text(&event.body), "\"timestamp\":1781259300.007,\"payload\":{}}"));
    event_clear(&event);
    assert_null(event.name);
}

static void an_empty_filter_and_a_star_are_everything(void **state)
{
    (void)state;
    assert_true(matches("Call.Ended", no_filters));
    assert_true(matches("Call.Ended", FILTERS("*")));
    assert_true(matches("Call.Ended", FILTERS("Other.Event", "*")));
}

static void a_service_star_is_every_event_of_that_service(void **state)
{
    (void)state;
    assert_true(matches("Call.Ended", FILTERS("Call.*")));
    assert_true(matches("Call.Ended", FILTERS("Agent.*", "Call.*")));
    assert_false(matches("Callback.Ended", FILTERS("Call.*")));
    assert_false(matches("Cal.Ended", FILTERS("Call.*")));
    assert_false(matches("call.Ended", FILTERS("Call.*")));
}

static void a_name_is_that_event_alone(void **state)
{
    (void)state;
    assert_true(matches("Call.Ended", FILTERS("Call.Started", "Call.Ended")));
    assert_false(matches("Call.Ended", FILTERS("Call.Started")));
    assert_false(matches("Call.Ended", FILTERS("Call.ended")));
    assert_false(matches("Call.Ended", FILTERS("Call.End")));
    assert_false(matches("Call.Ended", FILTERS("Call.EndedNow")));
}

static void our_own_events_go_where_they_are_named_in_full(void **state)
{
    (void)state;
    assert_true(matches("Webhook.DeliveryFailed", FILTERS("Webhook.DeliveryFailed")));
    assert_true(matches("Webhook.DeliveryFailed", FILTERS("*", "Webhook.DeliveryFailed")));
    assert_false(matches("Webhook.DeliveryFailed", no_filters));
    assert_false(matches("Webhook.DeliveryFailed", FILTERS("*")));
    assert_false(matches("Webhook.DeliveryFailed", FILTERS("Webhook.*")));
    assert_false(matches("Webhook.DeliveryFailed", FILTERS("Webhook.SubscriptionDisabled")));
    assert_true(matches("Webhooks.Other", FILTERS("*")));
    assert_true(matches("Webhook_.Other", FILTERS("Webhook_.*")));
}

static void scopes_cover_the_ids_they_list(void **state)
{
    (void)state;
    static const struct {
        const char *agent_ids, *workspace_ids; /* of the subscription: one each */
        const char *agent_id, *workspace_id;   /* of the event */
        bool is_match;
    } rows[] = {
        {NULL, NULL, NULL, NULL, true},    {NULL, NULL, "a", "w", true},   {"a", NULL, "a", NULL, true},
        {"a", NULL, "a", "w", true},       {"a", NULL, NULL, NULL, false}, {"a", NULL, "b", NULL, false},
        {"a", NULL, NULL, "a", false},     {"a", NULL, "A", NULL, false},  {NULL, "w", NULL, "w", true},
        {NULL, "w", "a", "w", true},       {NULL, "w", NULL, NULL, false}, {NULL, "w", "w", NULL, false},
        {NULL, "w", NULL, "other", false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct event event = event_of("Call.Ended");
        struct subscription subscription = {.active = true};
        event.agent_id = rows[i].agent_id ? mem_strdup(rows[i].agent_id) : NULL;
        event.workspace_id = rows[i].workspace_id ? mem_strdup(rows[i].workspace_id) : NULL;
        if (rows[i].agent_ids) {
            text_list_add(&subscription.agent_ids, "first", 5);
            text_list_add(&subscription.agent_ids, rows[i].agent_ids, strlen(rows[i].agent_ids));
        }
        if (rows[i].workspace_ids)
            text_list_add(&subscription.workspace_ids, rows[i].workspace_ids, strlen(rows[i].workspace_ids));
        assert_int_equal(event_matches(&event, &subscription), rows[i].is_match);
        event_clear(&event);
        subscription_clear(&subscription);
    }
}

static void a_scope_does_not_replace_the_filter(void **state)
{
    (void)state;
    struct event event = event_of("Call.Ended");
    struct subscription subscription = {.active = true};
    event.agent_id = mem_strdup("a");
    text_list_add(&subscription.agent_ids, "a", 1);
    text_list_add(&subscription.events, "Call.Started", 12);
    assert_false(event_matches(&event, &subscription));
    event_clear(&event);
    subscription_clear(&subscription);
}

static void paused_subscriptions_match_and_deleted_ones_do_not(void **state)
{
    (void)state;
    struct event event = event_of("Call.Ended");
    struct subscription subscription = {.active = false, .disabled_reason = DISABLED_GONE};
    assert_true(event_matches(&event, &subscription));
    subscription.is_deleted = true;
    assert_false(event_matches(&event, &subscription));
    event_clear(&event);
}

static void the_payload_is_found_in_the_body_byte_for_byte(void **state)
{
    (void)state;
    static const char payload[] = "{ \"payload\":1,\"payload\":{\"a\":[\",\\\"payload\\\":\"]} }";
    struct event event = event_of("payload.payload");
    free(event.trace_id);
    event.trace_id = mem_strdup("payload");
    event_compose_body(&event, slice_of(payload));
    struct slice found;
    assert_int_equal(event_payload(&event, &found), STATUS_OK);
    assert_true(slice_equals(found, payload));
    event_clear(&event);
}

static void a_test_event_names_the_subscription_and_has_a_trace_id_of_its_own(void **state)
{
    (void)state;
    struct object_id subscription_id = {{1, 2, 3}};
    struct event events[2] = {{.created_at_ms = 1}, {.created_at_ms = 2}};
    struct slice payload;
    for (size_t i = 0; i < 2; i++) {
        event_fill_in_test(&events[i], &subscription_id);
        assert_string_equal(events[i].name, "Webhook.Test");
        assert_non_null(strstr(buf_text(&events[i].body), events[i].trace_id));
        assert_int_equal(event_payload(&events[i], &payload), STATUS_OK);
        assert_non_null(strstr(payload.data, "\"subscription_id\":\"010203000000000000000000\"}"));
    }
    assert_string_not_equal(events[0].trace_id, events[1].trace_id);
    event_clear(&events[0]);
    event_clear(&events[1]);
}

static void a_damaged_body_has_no_payload(void **state)
{
    (void)state;
    static const char *const damaged[] = {"", "{}", "{\"eventName\":\"A.B\"}",
                                          "{\"a\":1,\"payload\":", "{\"a\":1,\"payload\":}"};
    for (size_t i = 0; i < sizeof damaged / sizeof damaged[0]; i++) {
        struct event event = {0};
        struct slice found;
        buf_append_text(&event.body, damaged[i]);
        assert_int_equal(event_payload(&event, &found), STATUS_CORRUPT);
        event_clear(&event);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_body_is_composed_byte_for_byte),
        cmocka_unit_test(the_payload_is_found_in_the_body_byte_for_byte),
        cmocka_unit_test(a_test_event_names_the_subscription_and_has_a_trace_id_of_its_own),
        cmocka_unit_test(a_damaged_body_has_no_payload),
        cmocka_unit_test(an_empty_filter_and_a_star_are_everything),
        cmocka_unit_test(a_service_star_is_every_event_of_that_service),
        cmocka_unit_test(a_name_is_that_event_alone),
        cmocka_unit_test(our_own_events_go_where_they_are_named_in_full),
        cmocka_unit_test(scopes_cover_the_ids_they_list),
        cmocka_unit_test(a_scope_does_not_replace_the_filter),
        cmocka_unit_test(paused_subscriptions_match_and_deleted_ones_do_not),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
