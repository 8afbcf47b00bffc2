/* A merge patch over a subscription's settings: what it changes, what it leaves, and which results are refused. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "api/input.h"
#include "api/input_subscription.h"

static const struct conf conf = {
    .retry_strategy = RETRY_EXPONENTIAL_BACKOFF, .retry_attempts = 8, .retry_max_delay_ms = 36000000};

static const char whole[] =
    "{\"name\":\"n\",\"url\":\"https://example.com/\",\"enable_signed_webhooks\":true,\"active\":false,"
    "\"events\":[\"A.B\"],\"headers\":{\"X-A\":\"1\",\"X-B\":\"2\"},\"description\":\"d\",\"agent_ids\":[\"a\"],"
    "\"request_timeout_ms\":500,"
    "\"retry_policy\":{\"retryStrategy\":\"FIXED_DELAY\",\"maxRetryAttempts\":3,\"maxRetryDelayMs\":2000}}";

static struct subscription_input read_whole(const char *body)
{
    struct subscription_input input;
    struct field_errors errors = {0};
    assert_null(subscription_input_read(slice_of(body), &conf, &input, &errors));
    return input;
}

/* The names of all offending members, separated by spaces. */
static void patch_with(const struct conf *with, const char *body, struct subscription_input *input, struct buf *names)
{
    struct json_scan scan;
    struct field_errors errors = {0};
    assert_null(input_scan(slice_of(body), &scan));
    const char *message = subscription_input_patch(&scan, with, input, &errors);
    assert_int_equal(message != NULL, errors.count > 0);
    for (size_t i = 0; i < errors.count; i++)
        buf_printf(names, "%s%s", i > 0 ? " " : "", errors.items[i].field);
    field_errors_clear(&errors);
    json_scan_clear(&scan);
}

/* Patching `before` gives what `after` as a whole gives. */
static void check(const char *before, const char *patch, const char *after)
{
    struct buf names = {0};
    struct subscription_input patched = read_whole(before);
    struct subscription_input expected = read_whole(after);
    patch_with(&conf, patch, &patched, &names);
    assert_string_equal(buf_text(&names), "");
    if (!subscription_input_equals(&patched, &expected))
        fail_msg("%s", patch);
    subscription_input_clear(&expected);
    subscription_input_clear(&patched);
}

static void check_refused(const char *patch, const char *expected)
{
    struct buf names = {0};
    struct subscription_input input = read_whole(whole);
    patch_with(&conf, patch, &input, &names);
    assert_string_equal(buf_text(&names), expected);
    buf_clear(&names);
    subscription_input_clear(&input);
}

#define SHORT(more) "{\"name\":\"n\",\"url\":\"https://example.com/\",\"enable_signed_webhooks\":true" more "}"

static void what_is_left_out_stays(void **state)
{
    (void)state;
    check(whole, "{}", whole);
    check(whole, "{\"unknown\":null,\"more\":[null]}", whole);
    check(whole,
          "{\"name\":\"n\",\"active\":false,\"headers\":{\"X-B\":\"2\"},"
          "\"retry_policy\":{\"maxRetryAttempts\":3}}",
          whole);
}

static void null_brings_the_default_back(void **state)
{
    (void)state;
    check(whole,
          "{\"active\":null,\"events\":null,\"headers\":null,\"description\":null,\"agent_ids\":null,"
          "\"request_timeout_ms\":null,\"retry_policy\":null}",
          SHORT(""));
    check(SHORT(",\"workspace_ids\":[\"w\"]"), "{\"workspace_ids\":null}", SHORT(""));
}

static void members_are_replaced(void **state)
{
    (void)state;
    check(SHORT(",\"events\":[\"A.B\",\"C.D\"],\"agent_ids\":[\"a\"]"),
          "{\"name\":\"m\",\"url\":\"http://example.org/\",\"enable_signed_webhooks\":false,\"active\":false,"
          "\"events\":[\"E.F\"],\"description\":\"e\",\"agent_ids\":[],\"workspace_ids\":[\"w\"],"
          "\"request_timeout_ms\":100}",
          "{\"name\":\"m\",\"url\":\"http://example.org/\",\"enable_signed_webhooks\":false,\"active\":false,"
          "\"events\":[\"E.F\"],\"description\":\"e\",\"workspace_ids\":[\"w\"],\"request_timeout_ms\":100}");
}

static void headers_merge_name_by_name(void **state)
{
    (void)state;
    check(SHORT(",\"headers\":{\"X-A\":\"1\",\"X-B\":\"2\",\"X-C\":\"3\"}"),
          "{\"headers\":{\"X-D\":\"4\",\"X-B\":null,\"X-A\":\"one\",\"X-Z\":null,\"Host\":null}}",
          SHORT(",\"headers\":{\"X-A\":\"one\",\"X-C\":\"3\",\"X-D\":\"4\"}"));
    check(SHORT(",\"headers\":{\"X-A\":\"1\"}"), "{\"headers\":{\"X-A\":null,\"x-a\":\"2\"}}",
          SHORT(",\"headers\":{\"x-a\":\"2\"}"));
    check(SHORT(""), "{\"headers\":{}}", SHORT(""));
    check_refused("{\"headers\":{\"x-a\":\"2\"}}", "headers");
    check_refused("{\"headers\":{\"Host\":\"x\",\"X-B\":7,\"X-C\":\"\\n\"}}", "headers.X-B headers.Host headers.X-C");
}

static void the_number_of_headers_is_the_results(void **state)
{
    (void)state;
    struct buf fifty = {0};
    struct buf others = {0};
    buf_append_text(&fifty, ",\"headers\":{");
    buf_append_text(&others, "{\"headers\":{");
    for (int i = 0; i < 50; i++) {
        buf_printf(&fifty, "%s\"A%d\":\"1\"", i > 0 ? "," : "", i);
        buf_printf(&others, "%s\"A%d\":null,\"B%d\":\"1\"", i > 0 ? "," : "", i, i);
    }
    buf_append_text(&fifty, "}");
    buf_append_text(&others, "}}");
    struct buf body = {0};
    struct buf names = {0};
    buf_printf(&body, SHORT("%s"), buf_text(&fifty));
    struct subscription_input input = read_whole(buf_text(&body));
    patch_with(&conf, "{\"headers\":{\"B0\":\"1\"}}", &input, &names);
    assert_string_equal(buf_text(&names), "headers");
    subscription_input_clear(&input);
    buf_reset(&names);
    input = read_whole(buf_text(&body));
    patch_with(&conf, buf_text(&others), &input, &names);
    assert_string_equal(buf_text(&names), "");
    assert_int_equal(input.headers.count, 50);
    subscription_input_clear(&input);
    buf_clear(&names);
    buf_clear(&body);
    buf_clear(&others);
    buf_clear(&fifty);
}

static void a_retry_policy_merges_member_by_member(void **state)
{
    (void)state;
    check(whole, "{\"retry_policy\":{}}", whole);
    check(
        SHORT(",\"retry_policy\":{\"retryStrategy\":\"FIXED_DELAY\",\"maxRetryAttempts\":3,\"maxRetryDelayMs\":2000}"),
        "{\"retry_policy\":{\"retryStrategy\":null,\"maxRetryAttempts\":4}}",
        SHORT(",\"retry_policy\":{\"retryStrategy\":\"EXPONENTIAL_BACKOFF\",\"maxRetryAttempts\":4,"
              "\"maxRetryDelayMs\":2000}"));
    check(SHORT(""), "{\"retry_policy\":{\"maxRetryAttempts\":4}}",
          SHORT(",\"retry_policy\":{\"maxRetryAttempts\":4}"));
    check_refused("{\"retry_policy\":{\"retryStrategy\":\"x\",\"maxRetryAttempts\":-1}}",
                  "retry_policy.retryStrategy retry_policy.maxRetryAttempts");
}

static void a_result_that_breaks_the_rules_is_refused_with_all_of_its_mistakes(void **state)
{
    (void)state;
    check_refused("{\"name\":null,\"url\":null,\"enable_signed_webhooks\":null}", "name url enable_signed_webhooks");
    check_refused("{\"name\":\" \",\"active\":1,\"events\":[null],\"description\":7,\"request_timeout_ms\":1}",
                  "name active events description request_timeout_ms");
    check_refused("{\"workspace_ids\":[\"w\"]}", "agent_ids workspace_ids");
    check_refused("{\"url\":\"http://127.0.0.1/\"}", "url");
}

static void the_rules_for_urls_hold_for_one_that_stays_too(void **state)
{
    (void)state;
    struct conf strict = conf;
    struct buf names = {0};
    struct subscription_input input =
        read_whole("{\"name\":\"n\",\"url\":\"http://example.com/\",\"enable_signed_webhooks\":false}");
    strict.require_https = true;
    patch_with(&strict, "{\"active\":false}", &input, &names);
    assert_string_equal(buf_text(&names), "url");
    buf_reset(&names);
    patch_with(&strict, "{\"active\":false,\"url\":\"https://example.com/\"}", &input, &names);
    assert_string_equal(buf_text(&names), "");
    buf_clear(&names);
    subscription_input_clear(&input);
}

static void a_member_of_countless_values_is_refused_before_it_is_read(void **state)
{
    (void)state;
    struct buf body = {0};
    buf_append_text(&body, "{\"events\":[[1");
    for (int i = 0; i < 5000; i++)
        buf_append_text(&body, ",1");
    buf_append_text(&body, "]]}");
    check_refused(buf_text(&body), "events");
    buf_clear(&body);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_stays),
        cmocka_unit_test(null_brings_the_default_back),
        cmocka_unit_test(members_are_replaced),
        cmocka_unit_test(headers_merge_name_by_name),
        cmocka_unit_test(the_number_of_headers_is_the_results),
        cmocka_unit_test(a_retry_policy_merges_member_by_member),
        cmocka_unit_test(a_result_that_breaks_the_rules_is_refused_with_all_of_its_mistakes),
        cmocka_unit_test(a_member_of_countless_values_is_refused_before_it_is_read),
        cmocka_unit_test(the_rules_for_urls_hold_for_one_that_stays_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
