/* The route table: which path is what, and who needs a key. The handlers are stand-ins. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "api/handle.h"
#include "api/route.h"
#include "model/api_key.h"

#define STAND_IN(name)                                                                                                 \
    void name(struct call *call)                                                                                       \
    {                                                                                                                  \
        (void)call;                                                                                                    \
    }

STAND_IN(handle_subscription_create)
STAND_IN(handle_subscription_get)
STAND_IN(handle_subscription_put)
STAND_IN(handle_subscription_patch)
STAND_IN(handle_subscription_delete)
STAND_IN(handle_subscription_list)
STAND_IN(handle_secret_rotate)
STAND_IN(handle_secret_revoke)
STAND_IN(handle_delivery_list)
STAND_IN(handle_recover)
STAND_IN(handle_test)
STAND_IN(handle_delivery_get)
STAND_IN(handle_delivery_retry)
STAND_IN(handle_delivery_cancel)
STAND_IN(handle_probe_request)
STAND_IN(handle_probe_get)
STAND_IN(handle_event_publish)
STAND_IN(handle_event_publish_batch)
STAND_IN(handle_event_get)
STAND_IN(handle_whoami)
STAND_IN(handle_healthz)
STAND_IN(handle_metrics)
STAND_IN(handle_openapi)

#define ID "0123456789abcdef01234567"
#define WEBHOOK "/v1/public/webhook"

static void a_path_and_method_find_their_handler(void **state)
{
    (void)state;
    struct slice id;
    const struct route *route = route_find(HTTP_POST, WEBHOOK "/subscription/" ID "/rotate/secret", &id);
    assert_non_null(route);
    assert_ptr_equal(route->handle, handle_secret_rotate);
    assert_true(slice_equals(id, ID));
    assert_int_equal(route->scope, API_SCOPE_MANAGE);
    assert_int_equal(route->body, BODY_IGNORED);

    route = route_find(HTTP_POST, WEBHOOK "/event", &id);
    assert_non_null(route);
    assert_ptr_equal(route->handle, handle_event_publish);
    assert_int_equal(id.length, 0);
    assert_int_equal(route->body, BODY_JSON);

    route = route_find(HTTP_PATCH, WEBHOOK "/subscription/" ID, &id);
    assert_non_null(route);
    assert_ptr_equal(route->handle, handle_subscription_patch);
    assert_int_equal(route->body, BODY_PATCH);
}

static void head_is_served_where_get_is(void **state)
{
    (void)state;
    struct slice id;
    const struct route *route = route_find(HTTP_HEAD, WEBHOOK "/subscription/" ID, &id);
    assert_non_null(route);
    assert_ptr_equal(route->handle, handle_subscription_get);
    assert_null(route_find(HTTP_HEAD, WEBHOOK "/event", &id));
    route = route_find(HTTP_HEAD, WEBHOOK "/event/" ID, &id);
    assert_non_null(route);
    assert_ptr_equal(route->handle, handle_event_get);
}

static void other_paths_are_unknown(void **state)
{
    (void)state;
    static const char *const paths[] = {
        "",
        "/",
        "/v1",
        WEBHOOK "/subscription/",
        WEBHOOK "//subscription",
        WEBHOOK "/subscription/" ID "/",
        WEBHOOK "/subscription//rotate/secret",
        WEBHOOK "/subscription/" ID "/rotate/secret/",
        WEBHOOK "/subscription/" ID "/rotate/secretx",
        WEBHOOK "/Event",
        "/healthz/",
    };
    for (size_t i = 0; i < sizeof paths / sizeof paths[0]; i++) {
        struct slice id;
        struct buf allowed = {0};
        assert_null(route_find(HTTP_GET, paths[i], &id));
        route_allow(paths[i], &allowed);
        assert_int_equal(allowed.length, 0);
    }
}

static void allow_names_the_methods_of_a_path(void **state)
{
    (void)state;
    struct buf allowed = {0};
    route_allow("/healthz", &allowed);
    assert_string_equal(buf_text(&allowed), "GET, HEAD");
    buf_reset(&allowed);
    route_allow(WEBHOOK "/subscription/x/rotate/secret", &allowed);
    assert_string_equal(buf_text(&allowed), "POST");
    buf_reset(&allowed);
    route_allow(WEBHOOK "/subscription/x", &allowed);
    assert_string_equal(buf_text(&allowed), "GET, HEAD, PUT, PATCH, DELETE");
    buf_reset(&allowed);
    route_allow(WEBHOOK "/subscriptions", &allowed);
    assert_string_equal(buf_text(&allowed), "GET, HEAD");
    buf_clear(&allowed);
}

static void everything_below_v1_needs_a_key_but_the_description(void **state)
{
    (void)state;
    assert_true(route_needs_key("/v1"));
    assert_true(route_needs_key("/v1/"));
    assert_true(route_needs_key("/v1/nothing"));
    assert_true(route_needs_key("/v1/openapi.json/"));
    assert_true(route_needs_key("/metrics"));
    assert_false(route_needs_key("/v1/openapi.json"));
    assert_false(route_needs_key("/healthz"));
    assert_false(route_needs_key("/console"));
    assert_false(route_needs_key(""));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_path_and_method_find_their_handler),
        cmocka_unit_test(head_is_served_where_get_is),
        cmocka_unit_test(other_paths_are_unknown),
        cmocka_unit_test(allow_names_the_methods_of_a_path),
        cmocka_unit_test(everything_below_v1_needs_a_key_but_the_description),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
