/* Bodies in: what is taken, and what each mistake is called. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/input_event.h"
#include "api/input_subscription.h"
#include "api/media_type.h"

static const struct conf conf = {
    .retry_strategy = RETRY_EXPONENTIAL_BACKOFF, .retry_attempts = 8, .retry_max_delay_ms = 36000000};

#define MINIMAL "\"name\":\"n\",\"url\":\"https://example.com/\",\"enable_signed_webhooks\":true"

static const char *message_for(const struct field_errors *errors, const char *field)
{
    for (size_t i = 0; i < errors->count; i++)
        if (strcmp(errors->items[i].field, field) == 0)
            return errors->items[i].message;
    return NULL;
}

/* The names of all offending members in order, separated by spaces; "" where the body is fine, the message where there
 * are no members to name. */
static void check_subscription(const char *body, const char *expected)
{
    struct subscription_input input;
    struct field_errors errors = {0};
    const char *message = subscription_input_read(slice_of(body), &conf, &input, &errors);
    struct buf names = {0};
    for (size_t i = 0; i < errors.count; i++)
        buf_printf(&names, "%s%s", i > 0 ? " " : "", errors.items[i].field);
    if (message != NULL && errors.count == 0)
        buf_append_text(&names, "malformed");
    if (strcmp(buf_text(&names), expected) != 0)
        print_error("%s\n", body);
    assert_string_equal(buf_text(&names), expected);
    assert_int_equal(message != NULL, strlen(expected) > 0);
    buf_clear(&names);
    field_errors_clear(&errors);
    subscription_input_clear(&input);
}

static void a_whole_subscription_is_read(void **state)
{
    (void)state;
    static const char body[] =
        "{\"name\":\"caf\\u00e9 \\ud83d\\ude00\",\"url\":\"https:\\/\\/example.com/\",\"enable_signed_webhooks\":false,"
        "\"active\":false,\"events\":[\"A.B\",\"C.*\"],\"headers\":{\"X-A\":\"1\",\"X-B\":null,\"X-C\":\"2\"},"
        "\"description\":\"d\",\"agent_ids\":[\"a\"],\"workspace_ids\":[],\"request_timeout_ms\":60000,"
        "\"retry_policy\":{\"retryStrategy\":\"FIXED_DELAY\",\"maxRetryAttempts\":0,\"maxRetryDelayMs\":1000},"
        "\"unknown\":\"\\u0000\"}";
    struct subscription_input input;
    struct field_errors errors = {0};
    assert_null(subscription_input_read(slice_of(body), &conf, &input, &errors));
    assert_string_equal(input.name, "caf\xc3\xa9 \xf0\x9f\x98\x80");
    assert_string_equal(input.url, "https://example.com/");
    assert_false(input.enable_signed_webhooks);
    assert_false(input.active);
    assert_int_equal(input.events.count, 2);
    assert_string_equal(input.events.items[1], "C.*");
    assert_int_equal(input.headers.count, 2);
    assert_string_equal(input.headers.items[1].name, "X-C");
    assert_string_equal(input.headers.items[1].value, "2");
    assert_string_equal(input.description, "d");
    assert_int_equal(input.agent_ids.count, 1);
    assert_int_equal(input.request_timeout_ms, 60000);
    assert_true(input.retry_policy.is_set);
    assert_int_equal(input.retry_policy.strategy, RETRY_FIXED_DELAY);
    assert_int_equal(input.retry_policy.max_attempts, 0);
    assert_int_equal(input.retry_policy.max_delay_ms, 1000);
    subscription_input_clear(&input);
}

static void what_is_left_out_or_null_has_its_default(void **state)
{
    (void)state;
    static const char body[] = "{" MINIMAL ",\"active\":null,\"events\":null,\"headers\":null,\"description\":null,"
                               "\"request_timeout_ms\":null,\"retry_policy\":{\"maxRetryAttempts\":null}}";
    struct subscription_input input;
    struct field_errors errors = {0};
    assert_null(subscription_input_read(slice_of(body), &conf, &input, &errors));
    assert_true(input.active);
    assert_int_equal(input.events.count, 0);
    assert_null(input.description);
    assert_int_equal(input.request_timeout_ms, 0);
    assert_true(input.retry_policy.is_set);
    assert_int_equal(input.retry_policy.strategy, RETRY_EXPONENTIAL_BACKOFF);
    assert_int_equal(input.retry_policy.max_attempts, 8);
    assert_int_equal(input.retry_policy.max_delay_ms, 36000000);
    subscription_input_clear(&input);
    assert_null(subscription_input_read(slice_of("{" MINIMAL "}"), &conf, &input, &errors));
    assert_false(input.retry_policy.is_set);
    subscription_input_clear(&input);
}

static void all_mistakes_are_named_at_once(void **state)
{
    (void)state;
    check_subscription("{}", "name url enable_signed_webhooks");
    check_subscription("{\"name\":null,\"url\":7,\"enable_signed_webhooks\":\"true\",\"active\":0,\"events\":{},"
                       "\"headers\":[],\"description\":[],\"agent_ids\":\"a\",\"request_timeout_ms\":\"100\","
                       "\"retry_policy\":[]}",
                       "name url enable_signed_webhooks active events headers description agent_ids "
                       "request_timeout_ms retry_policy");
    check_subscription("{" MINIMAL ",\"retry_policy\":{\"retryStrategy\":1,\"maxRetryAttempts\":21,"
                       "\"maxRetryDelayMs\":999}}",
                       "retry_policy.retryStrategy retry_policy.maxRetryAttempts retry_policy.maxRetryDelayMs");
    check_subscription("{" MINIMAL ",\"agent_ids\":[\"a\"],\"workspace_ids\":[\"b\"]}", "agent_ids workspace_ids");
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":1,\"X-B\":\"\\n\"}}", "headers.X-A headers.X-B");
}

static const char *const bad_integers[] = {
    "0.5",
    "1000.5",
    "1e-3",
    "-1",
    "\"1\"",
    "\"1000\"",
    "true",
    "[1000]",
    "{}",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775809",
    "18446744073709551616",
    "18446744073709552616", /* 2^64 + 1000 */
    "99999999999999999999",
    "-99999999999999999999",
    "1000000000000000000000000000000000000000",
    "1e400",
};
enum { BAD_INTEGERS = sizeof bad_integers / sizeof bad_integers[0] };

static void integers_are_json_integers_in_range(void **state)
{
    (void)state;
    static const char *const fields[][3] = {
        {"\"request_timeout_ms\":", "", "request_timeout_ms"},
        {"\"retry_policy\":{\"maxRetryAttempts\":", "}", "retry_policy.maxRetryAttempts"},
        {"\"retry_policy\":{\"maxRetryDelayMs\":", "}", "retry_policy.maxRetryDelayMs"},
    };
    for (size_t field = 0; field < 3; field++) {
        for (size_t i = 0; i < BAD_INTEGERS; i++) {
            struct buf body = {0};
            buf_printf(&body, "{" MINIMAL ",%s%s%s}", fields[field][0], bad_integers[i], fields[field][1]);
            check_subscription(buf_text(&body), fields[field][2]);
            buf_clear(&body);
        }
    }
    check_subscription("{" MINIMAL ",\"request_timeout_ms\":99}", "request_timeout_ms");
    check_subscription("{" MINIMAL ",\"request_timeout_ms\":100}", "");
    check_subscription("{" MINIMAL ",\"request_timeout_ms\":60000}", "");
    check_subscription("{" MINIMAL ",\"request_timeout_ms\":60001}", "request_timeout_ms");
    check_subscription("{" MINIMAL ",\"retry_policy\":{\"maxRetryAttempts\":-0}}", "");
}

static void an_integer_may_be_written_with_a_fraction_of_zero_or_an_exponent(void **state)
{
    (void)state;
    static const char *const same[] = {"1500", "1500.0", "1.5e3", "15E+2", "150000e-2"};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct buf body = {0};
        struct subscription_input input;
        struct field_errors errors = {0};
        buf_printf(&body, "{" MINIMAL ",\"request_timeout_ms\":%s}", same[i]);
        assert_null(subscription_input_read(buf_slice(&body), &conf, &input, &errors));
        assert_int_equal(input.request_timeout_ms, 1500);
        subscription_input_clear(&input);
        buf_clear(&body);
    }
}

static void what_is_not_looked_at_may_be_anything(void **state)
{
    (void)state;
    check_subscription("{" MINIMAL ",\"other\":99999999999999999999,\"more\":[1e999,{\"a\":null,\"a\":1}]}", "");
    check_subscription("{" MINIMAL ",\"retry_policy\":{\"other\":99999999999999999999,\"more\":[null]}}", "");
}

static void check_description_read(const char *given, const char *expected)
{
    struct buf body = {0};
    buf_printf(&body, "{" MINIMAL ",\"description\":\"%s\"}", given);
    struct subscription_input input;
    struct field_errors errors = {0};
    assert_null(subscription_input_read(buf_slice(&body), &conf, &input, &errors));
    assert_string_equal(input.description, expected);
    subscription_input_clear(&input);
    buf_clear(&body);
}

static void texts_are_unescaped(void **state)
{
    (void)state;
    check_description_read("", "");
    check_description_read("\\\"\\\\\\/\\b\\f\\n\\r\\t", "\"\\/\b\f\n\r\t");
    check_description_read("\\u0041\\u007f\\u0080\\u00E9\\u07ff\\u0800\\u20aC\\uffff",
                           "A\x7f\xc2\x80\xc3\xa9\xdf\xbf\xe0\xa0\x80\xe2\x82\xac\xef\xbf\xbf");
    check_description_read("\\ud800\\udc00 \\uD83D\\uDE00\\udbff\\udfff",
                           "\xf0\x90\x80\x80 \xf0\x9f\x98\x80\xf4\x8f\xbf\xbf");
    check_description_read("caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f",
                           "caf\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80 \x7f");
    check_description_read("'single' /* no comment */ // none", "'single' /* no comment */ // none");
}

static void null_is_left_out_at_any_depth_but_in_arrays(void **state)
{
    (void)state;
    check_subscription("{\"name\":null,\"url\":null,\"enable_signed_webhooks\":null}",
                       "name url enable_signed_webhooks");
    check_subscription(
        "{" MINIMAL ",\"retry_policy\":null,\"headers\":null,\"agent_ids\":null,\"workspace_ids\":[\"a\"]}", "");
    check_subscription("{" MINIMAL ",\"retry_policy\":{\"retryStrategy\":null,\"maxRetryAttempts\":null,"
                       "\"maxRetryDelayMs\":null}}",
                       "");
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":null,\"Host\":null}}", "");
    check_subscription("{" MINIMAL ",\"events\":[null],\"agent_ids\":[\"a\",null],\"workspace_ids\":[[]]}",
                       "events agent_ids workspace_ids");
    check_subscription("{" MINIMAL ",\"description\":{\"a\":null}}", "description");
}

static void unclean_texts_are_refused_where_they_are_interpreted(void **state)
{
    (void)state;
    check_subscription("{" MINIMAL ",\"description\":\"a\\u0000b\"}", "description");
    check_subscription("{" MINIMAL ",\"events\":[\"A.B\\ud800\"]}", "events");
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":\"\\u0000\"}}", "headers");
    check_subscription("{" MINIMAL ",\"description\":\"\\udc00\\ud800\"}", "description");
    check_subscription("{" MINIMAL ",\"headers\":{\"X\\u0000\":\"1\"}}", "headers");
    check_subscription("{" MINIMAL ",\"retry_policy\":{\"other\":\"\\u0000\"}}", "retry_policy");
    check_subscription("{" MINIMAL ",\"elsewhere\":\"\\udc00\"}", "");
}

static void arrays_hold_texts_alone(void **state)
{
    (void)state;
    check_subscription("{" MINIMAL ",\"events\":[null]}", "events");
    check_subscription("{" MINIMAL ",\"events\":[\"A.B\",1]}", "events");
    check_subscription("{" MINIMAL ",\"agent_ids\":[\" \"]}", "agent_ids");
    struct buf body = {0};
    buf_append_text(&body, "{" MINIMAL ",\"events\":[\"A.B\"");
    for (int i = 0; i < 500; i++)
        buf_append_text(&body, ",\"A.B\"");
    buf_append_text(&body, "]}");
    check_subscription(buf_text(&body), "events");
    buf_clear(&body);
}

static void headers_are_unique_and_not_ours(void **state)
{
    (void)state;
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":\"1\",\"X-A\":\"2\"}}", "headers");
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":\"1\",\"X-\\u0041\":\"2\"}}", "headers");
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":null,\"X-A\":\"2\"}}", "headers");
    check_subscription("{" MINIMAL ",\"headers\":{\"X-A\":\"1\",\"x-a\":\"2\"}}", "headers");
    check_subscription("{" MINIMAL ",\"headers\":{\"Webhook-Id\":\"1\"}}", "headers.Webhook-Id");
    check_subscription("{" MINIMAL ",\"headers\":{\"a:b\":\"1\"}}", "headers.a:b");
}

static void every_wrong_header_is_named(void **state)
{
    (void)state;
    check_subscription("{" MINIMAL
                       ",\"headers\":{\"Host\":\"1\",\"X-A\":\"1\",\"X-B\":5,\"TE\":\"1\",\"X-C\":\"\\n\"}}",
                       "headers.Host headers.X-B headers.TE headers.X-C");
}

static void headers_that_are_null_do_not_count(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_append_text(&body, "{" MINIMAL ",\"headers\":{\"X-Null\":null");
    for (int i = 0; i < 50; i++)
        buf_printf(&body, ",\"X-%d\":\"1\"", i);
    buf_append_text(&body, "}}");
    check_subscription(buf_text(&body), "");
    buf_clear(&body);
}

static void a_member_that_would_take_much_memory_is_refused(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_append_text(&body, "{" MINIMAL ",\"events\":[1");
    while (body.length < (1 << 20) + 100)
        buf_append_text(&body, ",1,1,1,1,1,1,1,1");
    buf_append_text(&body, "]}");
    check_subscription(buf_text(&body), "events");
    buf_clear(&body);
}

static void what_is_no_object_is_malformed(void **state)
{
    (void)state;
    static const char *const bodies[] = {"", "[]", "null", "{", "{\"name\":NaN}", "{} {}", "{\"a\":1,\"a\":2}"};
    for (size_t i = 0; i < sizeof bodies / sizeof bodies[0]; i++)
        check_subscription(bodies[i], "malformed");
}

static void a_payload_keeps_its_bytes(void **state)
{
    (void)state;
    static const char payload[] =
        "{ \"b\":1.0e+2,\n\"a\":\"\\u0000\\ud800\\/\", \"a\":[null], \"c\":99999999999999999999.10 }";
    struct buf body = {0};
    buf_printf(&body, "{\"payload\": %s ,\"event_name\":\"A.B\",\"agent_id\":\"x\",\"trace_id\":null}", payload);
    struct event_inputs inputs;
    struct field_errors errors = {0};
    assert_null(event_input_read(buf_slice(&body), &inputs, &errors));
    assert_int_equal(inputs.count, 1);
    const struct event_input *input = &inputs.items[0];
    assert_true(slice_equals(input->payload, payload));
    assert_string_equal(input->event_name, "A.B");
    assert_string_equal(input->agent_id, "x");
    assert_null(input->workspace_id);
    assert_null(input->trace_id);
    event_inputs_clear(&inputs);
    buf_clear(&body);
}

static void mistakes_in_an_event_are_named(void **state)
{
    (void)state;
    struct event_inputs inputs;
    struct field_errors errors = {0};
    static const char body[] = "{\"event_name\":\"Webhook.Test\",\"payload\":[],\"agent_id\":\"\",\"trace_id\":\"a b\","
                               "\"workspace_id\":\" \"}";
    assert_non_null(event_input_read(slice_of(body), &inputs, &errors));
    assert_int_equal(errors.count, 5);
    assert_string_equal(message_for(&errors, "payload"), "must be an object");
    assert_non_null(message_for(&errors, "workspace_id"));
    event_inputs_clear(&inputs);
    field_errors_clear(&errors);
}

static void json_is_recognised_as_a_media_type(void **state)
{
    (void)state;
    static const char *const good[] = {"application/json", "Application/JSON ; charset=UTF-8",
                                       "application/json;charset=\"utf-8\"", "application/json; v=1;"};
    static const char *const bad[] = {"",
                                      "text/plain",
                                      "application/jsonx",
                                      "application/json; charset=latin1",
                                      "application/json, text/plain",
                                      "application/x-www-form-urlencoded"};
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        assert_true(media_type_is_json(good[i]));
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        assert_false(media_type_is_json(bad[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_whole_subscription_is_read),
        cmocka_unit_test(what_is_left_out_or_null_has_its_default),
        cmocka_unit_test(all_mistakes_are_named_at_once),
        cmocka_unit_test(integers_are_json_integers_in_range),
        cmocka_unit_test(an_integer_may_be_written_with_a_fraction_of_zero_or_an_exponent),
        cmocka_unit_test(what_is_not_looked_at_may_be_anything),
        cmocka_unit_test(texts_are_unescaped),
        cmocka_unit_test(null_is_left_out_at_any_depth_but_in_arrays),
        cmocka_unit_test(unclean_texts_are_refused_where_they_are_interpreted),
        cmocka_unit_test(arrays_hold_texts_alone),
        cmocka_unit_test(headers_are_unique_and_not_ours),
        cmocka_unit_test(every_wrong_header_is_named),
        cmocka_unit_test(headers_that_are_null_do_not_count),
        cmocka_unit_test(a_member_that_would_take_much_memory_is_refused),
        cmocka_unit_test(what_is_no_object_is_malformed),
        cmocka_unit_test(a_payload_keeps_its_bytes),
        cmocka_unit_test(mistakes_in_an_event_are_named),
        cmocka_unit_test(json_is_recognised_as_a_media_type),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
