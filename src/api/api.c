/* A request's way to its answer, top down: who asks, what for, may they, is the body usable, then the handler. Each
 * step either lets the request pass or answers it. */
#include "api/api.h"

#include <stdlib.h>

#include "api/auth.h"
#include "api/call.h"
#include "api/idempotency.h"
#include "api/lazy_store.h"
#include "api/media_type.h"
#include "api/route.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/store.h"

struct api {
    const struct conf *conf;
    struct lazy_store lazy_store;
};

struct api *api_new(const struct conf *conf, enum store_role role)
{
    struct api *api = mem_calloc(1, sizeof *api);
    api->conf = conf;
    lazy_store_init(&api->lazy_store, conf, role);
    return api;
}

void api_free(struct api *api)
{
    lazy_store_clear(&api->lazy_store);
    free(api);
}

void api_maintain(struct api *api)
{
    struct store *store = lazy_store_peek(&api->lazy_store);
    if (store == NULL || store_is_leaving(store))
        return;
    enum status status = store_maintain(store);
    if (status != STATUS_OK && status != STATUS_UNAVAILABLE)
        log_warn("store_maintain_failed", LOG_TEXT("cause", status_name(status)));
}

bool api_must_leave(struct api *api)
{
    struct store *store = lazy_store_peek(&api->lazy_store);
    return store != NULL && store_is_leaving(store);
}

static bool check_key(struct call *call)
{
    return !route_needs_key(call->request->path) || auth_check(call);
}

static bool answer_not_allowed(struct call *call, const struct buf *allowed)
{
    if (allowed->length == 0) {
        call_error(call, API_NOT_FOUND, "no such path");
    } else {
        call_error(call, API_METHOD_NOT_ALLOWED, "the method is not supported here; see the header Allow");
        response_header(call->response, "Allow", buf_text(allowed));
    }
    return false;
}

static bool find_route(struct call *call)
{
    call->route = route_find(call->request->method, call->request->path, &call->id);
    if (call->route != NULL)
        return true;
    struct buf allowed;
    buf_init(&allowed);
    route_allow(call->request->path, &allowed);
    answer_not_allowed(call, &allowed);
    buf_clear(&allowed);
    return false;
}

static bool check_scope(struct call *call)
{
    if (call->route->scope == 0 || api_key_may(&call->key, (enum api_scope)call->route->scope))
        return true;
    call_error(call, API_FORBIDDEN, "the API key does not have the scope that this needs");
    return false;
}

/* No body has no media type either: what is wrong with it is that it is empty. */
static bool is_nothing(const struct request *request)
{
    return request->body.length == 0 && !request->body_is_too_large && !request->body_is_broken &&
           request->content_type[0] == '\0';
}

static bool check_body(struct call *call)
{
    static const struct {
        bool (*is_fine)(const char *content_type);
        const char *message;
    } media_types[] = {
        [BODY_JSON] = {media_type_is_json, "the body must be application/json in UTF-8"},
        [BODY_PATCH] = {media_type_is_patch,
                        "the body must be application/merge-patch+json or application/json in UTF-8"},
    };
    const struct request *request = call->request;
    enum route_body body = call->route->body;
    if (body == BODY_IGNORED || is_nothing(request))
        return true;
    /* NOLINTNEXTLINE(clang-analyzer-core.CallAndMessage): there are three, and one is out of the way */
    if (!media_types[body].is_fine(request->content_type))
        call_error(call, API_UNSUPPORTED_MEDIA_TYPE, media_types[body].message);
    else if (request->body_is_too_large)
        call_error(call, API_PAYLOAD_TOO_LARGE, "the body is larger than this service takes");
    else if (request->body_is_broken)
        call_error(call, API_VALIDATION_ERROR, "the body ended before its announced length");
    else
        return true;
    return false;
}

static bool pass_checks(struct call *call)
{
    return check_key(call) && find_route(call) && check_scope(call) && check_body(call) && idempotency_check(call);
}

static void log_request(const struct call *call, int64_t started_ms)
{
    log_debug("request", LOG_TEXT("trace_id", call->response->trace_id),
              LOG_TEXT("method", http_method_name(call->request->method)), LOG_TEXT("path", call->request->path),
              LOG_NUMBER("status", call->response->status),
              LOG_NUMBER("duration_ms", clock_monotonic_ms() - started_ms));
}

void api_handle(struct api *api, const struct request *request, struct response *response)
{
    int64_t started_ms = clock_monotonic_ms();
    struct call call = {.conf = api->conf, .lazy_store = &api->lazy_store, .request = request, .response = response};
    if (pass_checks(&call))
        call.route->handle(&call);
    log_request(&call, started_ms);
    api_key_clear(&call.key);
}
