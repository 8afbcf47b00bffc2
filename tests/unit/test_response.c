/* Error bodies, and what is kept of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "base/json_out.h"
#include "api/response.h"
#include "api/success.h"

static struct request a_request(void)
{
    static char client_path[] = "/hooks/v1/x";
    static char mount[] = "/hooks";
    return (struct request){.client_path = client_path, .mount = mount};
}

static void a_response_begins_with_its_trace_id(void **state)
{
    (void)state;
    struct response response;
    response_init(&response);
    char expected[128];
    snprintf(expected, sizeof expected, "X-Trace-Id: %s\r\nCache-Control: no-store\r\n", response.trace_id);
    assert_int_equal(strlen(response.trace_id), 36);
    assert_string_equal(buf_text(&response.headers), expected);
    response_clear(&response);
}

static void missing_authentication_has_the_gateways_body(void **state)
{
    (void)state;
    struct request request = a_request();
    struct response response;
    response_init(&response);
    response_error(&response, &request, API_UNAUTHORIZED, "", NULL);
    char expected[200];
    snprintf(expected, sizeof expected,
             "{\"error\":\"Authentication\",\"message\":\"Authentication failed\",\"traceId\":\"%s\"}",
             response.trace_id);
    assert_int_equal(response.status, 401);
    assert_string_equal(buf_text(&response.body), expected);
    assert_non_null(strstr(buf_text(&response.headers), "WWW-Authenticate: Bearer\r\n"));
    response_clear(&response);
}

static void an_error_names_every_offending_member_once(void **state)
{
    (void)state;
    struct request request = a_request();
    struct response response;
    response_init(&response);
    struct field_errors errors = {0};
    field_errors_add(&errors, "name", "is required");
    field_errors_add(&errors, "retry_policy.maxRetryAttempts", "must be an integer");
    field_errors_add(&errors, "name", "must not be blank");
    response_error(&response, &request, API_VALIDATION_ERROR, "not \"valid\"", &errors);
    const char *body = buf_text(&response.body);
    assert_int_equal(response.status, 400);
    assert_ptr_equal(strstr(body, "{\"status\":400,\"type\":\"VALIDATION_ERROR\",\"message\":\"not \\\"valid\\\"\","
                                  "\"details\":{\"fields\":{\"name\":\"is required\","
                                  "\"retry_policy.maxRetryAttempts\":\"must be an integer\"}},\"timestamp\":\""),
                     body);
    assert_non_null(strstr(body, "Z\",\"path\":\"/hooks/v1/x\",\"trace_id\":\""));
    assert_non_null(strstr(body, response.trace_id));
    field_errors_clear(&errors);
    response_clear(&response);
}

static void an_error_replaces_what_was_there(void **state)
{
    (void)state;
    struct request request = a_request();
    struct response response;
    response_init(&response);
    response_header(&response, "ETag", "\"1-0\"");
    buf_append_text(&response.body, "{\"secret\":");
    response_error(&response, &request, API_SERVICE_UNAVAILABLE, "later", NULL);
    assert_int_equal(response.status, 503);
    assert_null(strstr(buf_text(&response.headers), "ETag"));
    assert_non_null(strstr(buf_text(&response.headers), "Retry-After: 1\r\n"));
    assert_null(strstr(buf_text(&response.body), "secret"));
    assert_null(strstr(buf_text(&response.body), "details"));
    response_clear(&response);
}

/* The text of {"t": text}. */
static void check_rendered(const char *text, const char *expected)
{
    struct buf out = {0};
    json_object *object = json_out_new();
    json_out_text(object, "t", text);
    json_out_end(object, &out);
    assert_string_equal(buf_text(&out), expected);
    buf_clear(&out);
}

static void json_texts_are_escaped_where_the_grammar_asks_for_it(void **state)
{
    (void)state;
    check_rendered("", "{\"t\":\"\"}");
    check_rendered("\"\\\b\f\n\r\t", "{\"t\":\"\\\"\\\\\\b\\f\\n\\r\\t\"}");
    check_rendered("\x01\x1f\x7f", "{\"t\":\"\\u0001\\u001f\x7f\"}");
    check_rendered("https://a/b", "{\"t\":\"https://a/b\"}");
    check_rendered("\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80", "{\"t\":\"\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80\"}");
}

static void json_values_keep_their_order_and_kind(void **state)
{
    (void)state;
    struct buf out = {0};
    json_object *object = json_out_new();
    json_out_text(object, "z\"", "1");
    json_object *array = json_out_array(object, "b");
    json_out_integer(array, NULL, INT64_MIN);
    json_out_integer(array, NULL, INT64_MAX);
    json_out_bool(array, NULL, false);
    json_out_text(json_out_object(array, NULL), "x", "y");
    json_out_array(object, "none");
    json_out_object(object, "a");
    json_out_time(object, "c", 0);
    buf_append_text(&out, "before ");
    json_out_end(object, &out);
    assert_string_equal(buf_text(&out), "before {\"z\\\"\":\"1\",\"b\":[-9223372036854775808,9223372036854775807,false,"
                                        "{\"x\":\"y\"}],\"none\":[],\"a\":{},\"c\":\"1970-01-01T00:00:00.000Z\"}");
    buf_clear(&out);
}

/* Another reference keeps the memory from being freed, so that it can be looked at. */
static void texts_are_overwritten_when_they_are_let_go(void **state)
{
    (void)state;
    struct buf out = {0};
    json_object *object = json_out_new();
    json_object *headers = json_out_object(object, "headers");
    json_out_text(headers, "X-A", "Bearer 0123456789");
    json_out_text(json_out_array(headers, "X-B"), NULL, "short");
    json_object_get(object);
    json_out_end(object, &out);
    assert_string_equal(buf_text(&out), "{\"headers\":{\"X-A\":\"Bearer 0123456789\",\"X-B\":[\"short\"]}}");
    json_object *value = json_object_object_get(headers, "X-A");
    static const char nothing[sizeof "Bearer 0123456789"];
    assert_int_equal(json_object_get_string_len(value), strlen("Bearer 0123456789"));
    assert_memory_equal(json_object_get_string(value), nothing, sizeof nothing);
    value = json_object_array_get_idx(json_object_object_get(headers, "X-B"), 0);
    assert_memory_equal(json_object_get_string(value), nothing, strlen("short"));
    json_object_put(object);
    buf_clear(&out);
}

#define SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* A subscription's answer with a secret. */
static void fill(enum secret_place place, struct success *success)
{
    struct subscription subscription = {.id = {.bytes = {1, 2, 3}}};
    memset(subscription.secrets.items[0].digest, 7, SHA256_BYTES);
    subscription.secrets.count = 1;
    *success = (struct success){.status = 201};
    strcpy(success->location, "/v1/x");
    strcpy(success->etag, "\"1-0\"");
    buf_append_text(&success->body, "{\"a\":1,\"b\":{}}");
    success_splice_secret(success, place, &subscription, SECRET);
}

static void a_secret_stands_where_it_is_put(void **state)
{
    (void)state;
    struct success success;
    fill(SECRET_FIRST, &success);
    assert_string_equal(buf_text(&success.body), "{\"secret\":\"" SECRET "\",\"a\":1,\"b\":{}}");
    assert_true(success.has_secret);
    assert_memory_equal(success.body.data + success.secret_offset, SECRET, strlen(SECRET));
    success_clear(&success);
    fill(SECRET_LAST, &success);
    assert_string_equal(buf_text(&success.body), "{\"a\":1,\"b\":{},\"secret\":\"" SECRET "\"}");
    assert_memory_equal(success.body.data + success.secret_offset, SECRET, strlen(SECRET));
    success_clear(&success);
}

static void check_kept(enum secret_place place)
{
    struct success success;
    fill(place, &success);
    struct buf kept = {0};
    success_encode(&success, &kept);
    assert_null(memmem(kept.data, kept.length, SECRET, strlen(SECRET)));

    struct success again;
    assert_int_equal(success_decode(buf_slice(&kept), &again), STATUS_OK);
    assert_int_equal(again.status, 201);
    assert_string_equal(again.location, "/v1/x");
    assert_string_equal(again.etag, "\"1-0\"");
    assert_true(again.has_secret);
    assert_memory_equal(&again.subscription_id, &success.subscription_id, sizeof success.subscription_id);
    assert_memory_equal(again.secret_digest, success.secret_digest, SHA256_BYTES);
    success_insert_secret(&again, SECRET);
    assert_string_equal(buf_text(&again.body), buf_text(&success.body));
    success_clear(&again);
    success_clear(&success);
    buf_clear(&kept);
}

static void what_is_kept_has_everything_but_the_secret(void **state)
{
    (void)state;
    check_kept(SECRET_FIRST);
    check_kept(SECRET_LAST);
}

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct success success;
    fill(SECRET_FIRST, &success);
    struct buf kept = {0};
    success_encode(&success, &kept);
    struct success out;
    struct slice bytes = buf_slice(&kept);
    bytes.length = 20;
    assert_int_equal(success_decode(bytes, &out), STATUS_CORRUPT);
    success_clear(&out);
    kept.data[4] = 0x7f; /* the secret's place, far behind the body */
    assert_int_equal(success_decode(buf_slice(&kept), &out), STATUS_CORRUPT);
    success_clear(&out);
    success_clear(&success);
    buf_clear(&kept);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_response_begins_with_its_trace_id),
        cmocka_unit_test(missing_authentication_has_the_gateways_body),
        cmocka_unit_test(an_error_names_every_offending_member_once),
        cmocka_unit_test(an_error_replaces_what_was_there),
        cmocka_unit_test(json_texts_are_escaped_where_the_grammar_asks_for_it),
        cmocka_unit_test(json_values_keep_their_order_and_kind),
        cmocka_unit_test(texts_are_overwritten_when_they_are_let_go),
        cmocka_unit_test(a_secret_stands_where_it_is_put),
        cmocka_unit_test(what_is_kept_has_everything_but_the_secret),
        cmocka_unit_test(damaged_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
