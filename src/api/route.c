/* THE table, and how a path finds its row. api.c looks every request up here. */
#include "api/route.h"

#include <string.h>

#include "api/handle.h"
#include "model/api_key.h"

#define WEBHOOK "/v1/public/webhook"

/* Rows of one path stand together: Allow lists methods in this order. */
static const struct route routes[] = {
    {HTTP_POST, WEBHOOK "/subscription", API_SCOPE_MANAGE, BODY_JSON, handle_subscription_create},
    {HTTP_GET, WEBHOOK "/subscription/{id}", API_SCOPE_READ, BODY_IGNORED, handle_subscription_get},
    {HTTP_PUT, WEBHOOK "/subscription/{id}", API_SCOPE_MANAGE, BODY_JSON, handle_subscription_put},
    {HTTP_PATCH, WEBHOOK "/subscription/{id}", API_SCOPE_MANAGE, BODY_PATCH, handle_subscription_patch},
    {HTTP_DELETE, WEBHOOK "/subscription/{id}", API_SCOPE_MANAGE, BODY_IGNORED, handle_subscription_delete},
    {HTTP_GET, WEBHOOK "/subscriptions", API_SCOPE_READ, BODY_IGNORED, handle_subscription_list},
    {HTTP_POST, WEBHOOK "/subscription/{id}/rotate/secret", API_SCOPE_MANAGE, BODY_IGNORED, handle_secret_rotate},
    {HTTP_POST, WEBHOOK "/subscription/{id}/revoke/secret", API_SCOPE_MANAGE, BODY_IGNORED, handle_secret_revoke},
    {HTTP_GET, WEBHOOK "/subscription/{id}/deliveries", API_SCOPE_READ, BODY_IGNORED, handle_delivery_list},
    {HTTP_POST, WEBHOOK "/subscription/{id}/recover", API_SCOPE_MANAGE, BODY_JSON, handle_recover},
    {HTTP_POST, WEBHOOK "/subscription/{id}/test", API_SCOPE_MANAGE, BODY_IGNORED, handle_test},
    {HTTP_GET, WEBHOOK "/delivery/{id}", API_SCOPE_READ, BODY_IGNORED, handle_delivery_get},
    {HTTP_POST, WEBHOOK "/delivery/{id}/retry", API_SCOPE_MANAGE, BODY_IGNORED, handle_delivery_retry},
    {HTTP_POST, WEBHOOK "/delivery/{id}/cancel", API_SCOPE_MANAGE, BODY_IGNORED, handle_delivery_cancel},
    {HTTP_POST, WEBHOOK "/subscription/{id}/probe/secret", API_SCOPE_MANAGE, BODY_IGNORED, handle_probe_request},
    {HTTP_GET, WEBHOOK "/subscription/{id}/probe/secret", API_SCOPE_READ, BODY_IGNORED, handle_probe_get},
    {HTTP_POST, WEBHOOK "/event", API_SCOPE_PUBLISH, BODY_JSON, handle_event_publish},
    {HTTP_POST, WEBHOOK "/events", API_SCOPE_PUBLISH, BODY_JSON, handle_event_publish_batch},
    {HTTP_GET, WEBHOOK "/event/{id}", API_SCOPE_READ, BODY_IGNORED, handle_event_get},
    {HTTP_GET, "/v1/whoami", 0, BODY_IGNORED, handle_whoami},
    {HTTP_GET, "/v1/openapi.json", 0, BODY_IGNORED, handle_openapi},
    {HTTP_GET, "/healthz", 0, BODY_IGNORED, handle_healthz},
    {HTTP_GET, "/metrics", API_SCOPE_OPERATE, BODY_IGNORED, handle_metrics},
};
enum { ROUTE_COUNT = sizeof routes / sizeof routes[0] };

static bool matches(const char *pattern, const char *path, struct slice *id)
{
    static const char placeholder[] = "{id}";
    const char *hole = strstr(pattern, placeholder);
    if (hole == NULL) {
        *id = (struct slice){path, 0};
        return strcmp(pattern, path) == 0;
    }
    size_t before = (size_t)(hole - pattern);
    if (strncmp(pattern, path, before) != 0)
        return false;
    size_t length = strcspn(path + before, "/");
    *id = (struct slice){path + before, length};
    return length > 0 && strcmp(hole + strlen(placeholder), path + before + length) == 0;
}

bool route_needs_key(const char *path)
{
    if (strcmp(path, "/v1/openapi.json") == 0)
        return false;
    return strcmp(path, "/v1") == 0 || strncmp(path, "/v1/", 4) == 0 || strcmp(path, "/metrics") == 0;
}

const struct route *route_find(enum http_method method, const char *path, struct slice *id)
{
    enum http_method wanted = method == HTTP_HEAD ? HTTP_GET : method;
    for (size_t i = 0; i < ROUTE_COUNT; i++)
        if (routes[i].method == wanted && matches(routes[i].pattern, path, id))
            return &routes[i];
    return NULL;
}

static void allow_method(enum http_method method, struct buf *out)
{
    if (out->length > 0)
        buf_append_text(out, ", ");
    buf_append_text(out, http_method_name(method));
}

void route_allow(const char *path, struct buf *out)
{
    struct slice id;
    for (size_t i = 0; i < ROUTE_COUNT; i++) {
        if (!matches(routes[i].pattern, path, &id))
            continue;
        allow_method(routes[i].method, out);
        if (routes[i].method == HTTP_GET)
            allow_method(HTTP_HEAD, out);
    }
}
