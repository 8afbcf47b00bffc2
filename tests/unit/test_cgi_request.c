/* The edge: variables and body in, CGI's form out. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "cgi_request.h"

/* A web server in memory. */
struct fake {
    const char *variables[8][2]; /* name, value; NULL ends */
    const char *body;
    size_t at;
    size_t length;
    struct buf written;
};

static const char *get_variable(void *context, const char *name)
{
    const struct fake *fake = context;
    for (size_t i = 0; fake->variables[i][0] != NULL; i++)
        if (strcmp(fake->variables[i][0], name) == 0)
            return fake->variables[i][1];
    return NULL;
}

static size_t read_body(void *context, char *out, size_t length)
{
    struct fake *fake = context;
    size_t left = fake->length - fake->at;
    size_t count = left < length ? left : length;
    memcpy(out, fake->body + fake->at, count);
    fake->at += count;
    return count;
}

static void write_bytes(void *context, const char *bytes, size_t length)
{
    buf_append(&((struct fake *)context)->written, bytes, length);
}

static char no_base[] = "";
static const struct conf conf = {.max_body = 10, .base_path = no_base};

static void read_request(struct fake *fake, struct request *out)
{
    const struct cgi_door door = {get_variable, read_body, write_bytes, fake};
    if (fake->body == NULL)
        fake->body = "";
    fake->length = strlen(fake->body);
    cgi_request_read(&door, &conf, out);
}

static void a_request_is_read_whole(void **state)
{
    (void)state;
    struct fake fake = {.variables = {{"REQUEST_METHOD", "POST"},
                                      {"PATH_INFO", "/v1/x"},
                                      {"CONTENT_LENGTH", "3"},
                                      {"CONTENT_TYPE", "application/json"},
                                      {"HTTP_AUTHORIZATION", "Bearer k"},
                                      {"HTTP_IDEMPOTENCY_KEY", ""}},
                        .body = "{} and more"};
    struct request request;
    read_request(&fake, &request);
    assert_int_equal(request.method, HTTP_POST);
    assert_string_equal(request.path, "/v1/x");
    assert_string_equal(request.content_type, "application/json");
    assert_string_equal(request.authorization, "Bearer k");
    assert_string_equal(request.idempotency_key, "");
    assert_null(request.if_match);
    assert_string_equal(buf_text(&request.body), "{} ");
    assert_false(request.body_is_broken);
    request_clear(&request);
}

static void authorization_comes_under_several_names(void **state)
{
    (void)state;
    static const char *const names[] = {"HTTP_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION",
                                        "REDIRECT_REDIRECT_HTTP_AUTHORIZATION"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct fake fake = {.variables = {{i > 0 ? names[0] : "HTTP_ACCEPT", ""}, {names[i], "Bearer k"}}};
        struct request request;
        read_request(&fake, &request);
        assert_string_equal(request.authorization, "Bearer k");
        assert_null(request.idempotency_key);
        assert_int_equal(request.method, HTTP_OTHER);
        request_clear(&request);
    }
}

static void a_bodys_length_is_held_against_the_limit(void **state)
{
    (void)state;
    static const struct {
        const char *announced;
        const char *body;
        bool is_too_large;
        bool is_broken;
    } rows[] = {
        {"10", "0123456789", false, false},
        {"11", "0123456789a", true, false},
        {"99999999999999999999", "0", true, false},
        {"9", "0123", false, true},
        {"", "0123456789", false, false},
        {"", "0123456789a", true, false},
        {NULL, "0123456789ab", true, false},
        {"-1", "012", false, false},
        {"0", "", false, false},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct fake fake = {.variables = {{"CONTENT_LENGTH", rows[i].announced}}, .body = rows[i].body};
        struct request request;
        read_request(&fake, &request);
        assert_int_equal(request.body_is_too_large, rows[i].is_too_large);
        assert_int_equal(request.body_is_broken, rows[i].is_broken);
        if (!rows[i].is_too_large)
            assert_string_equal(buf_text(&request.body), rows[i].body);
        request_clear(&request);
    }
}

static void check_response(enum http_method method, int status, const char *expected)
{
    struct fake fake = {.body = ""};
    const struct cgi_door door = {get_variable, read_body, write_bytes, &fake};
    const struct request request = {.method = method};
    struct response response = {.status = status};
    response_header(&response, "ETag", "\"1-0\"");
    buf_append_text(&response.body, "{}");
    cgi_response_write(&door, &request, &response);
    assert_string_equal(buf_text(&fake.written), expected);
    response_clear(&response);
    buf_clear(&fake.written);
}

static void a_response_takes_cgis_form(void **state)
{
    (void)state;
    check_response(HTTP_GET, 200, "Status: 200 OK\r\nETag: \"1-0\"\r\nContent-Length: 2\r\n\r\n{}");
    check_response(HTTP_HEAD, 200, "Status: 200 OK\r\nETag: \"1-0\"\r\nContent-Length: 2\r\n\r\n");
    check_response(HTTP_DELETE, 204, "Status: 204 No Content\r\nETag: \"1-0\"\r\n\r\n");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_request_is_read_whole),
        cmocka_unit_test(authorization_comes_under_several_names),
        cmocka_unit_test(a_bodys_length_is_held_against_the_limit),
        cmocka_unit_test(a_response_takes_cgis_form),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
