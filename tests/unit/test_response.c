/* Error bodies, and what is kept of an answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>

#include "api/json_write.h"
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

static void json_texts_are_escaped(void **state)
{
    (void)state;
    struct buf out = {0};
    struct json_writer writer = {.out = &out};
    json_write_open(&writer, NULL, '{');
    json_write_text(&writer, "a\"\\", "\x01/\xc3\xa4\n");
    json_write_open(&writer, "b", '[');
    json_write_integer(&writer, NULL, INT64_MIN);
    json_write_bool(&writer, NULL, false);
    json_write_close(&writer, ']');
    json_write_time(&writer, "c", 0);
    json_write_close(&writer, '}');
    assert_string_equal(buf_text(&out), "{\"a\\\"\\\\\":\"\\u0001/\xc3\xa4\\u000a\",\"b\":[-9223372036854775808,false],"
                                        "\"c\":\"1970-01-01T00:00:00.000Z\"}");
    buf_clear(&out);
}

#define SECRET "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"

/* A subscription's answer with a secret in its middle. */
static void fill(struct success *success)
{
    struct subscription subscription = {.id = {.bytes = {1, 2, 3}}};
    memset(subscription.secrets.items[0].digest, 7, SHA256_BYTES);
    subscription.secrets.count = 1;
    *success = (struct success){.status = 201};
    strcpy(success->location, "/v1/x");
    strcpy(success->etag, "\"1-0\"");
    buf_append_text(&success->body, "{\"a\":1,\"secret\":\"" SECRET "\"");
    success_note_secret(success, &subscription);
    buf_append_text(&success->body, ",\"b\":2}");
}

static void what_is_kept_has_everything_but_the_secret(void **state)
{
    (void)state;
    struct success success;
    fill(&success);
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

static void damaged_bytes_are_refused(void **state)
{
    (void)state;
    struct success success;
    fill(&success);
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
        cmocka_unit_test(json_texts_are_escaped),
        cmocka_unit_test(what_is_kept_has_everything_but_the_secret),
        cmocka_unit_test(damaged_bytes_are_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
