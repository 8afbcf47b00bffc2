/* What every step and handler says the same way: errors, and which of the store's outcomes is which of them. */
#include "api/call.h"

#include <string.h>

#include "base/log.h"

static const struct {
    enum api_error error;
    const char *message;
} outcomes[] = {
    [STATUS_OK] = {API_INTERNAL_ERROR, "internal error"},
    [STATUS_NOT_FOUND] = {API_NOT_FOUND, "no such object"},
    [STATUS_EXISTS] = {API_CONFLICT, "another object has this name"},
    [STATUS_CONFLICT] = {API_CONFLICT, "the state of the object does not allow this"},
    [STATUS_PRECONDITION] = {API_PRECONDITION_FAILED,
                             "If-Match names no present version of the object: read it again and repeat with its ETag"},
    [STATUS_LIMIT] = {API_CONFLICT, "a limit is reached"},
    [STATUS_INVALID] = {API_VALIDATION_ERROR, "the request is not valid"},
    [STATUS_REPLAY] = {API_INTERNAL_ERROR, "internal error"},
    [STATUS_MISMATCH] =
        {API_CONFLICT,
         "the Idempotency-Key was used before with another method or body; take a new one for a new request"},
    [STATUS_AGAIN] = {API_SERVICE_UNAVAILABLE, "too many requests change the same object; nothing was changed"},
    [STATUS_FULL] = {API_SERVICE_UNAVAILABLE, "the store is full; nothing was changed"},
    [STATUS_UNAVAILABLE] = {API_SERVICE_UNAVAILABLE, "the store is not available now; nothing was changed"},
    [STATUS_UNKNOWN] = {API_INTERNAL_ERROR, "internal error"},
    [STATUS_DENIED] = {API_INTERNAL_ERROR, "internal error"},
    [STATUS_CORRUPT] = {API_INTERNAL_ERROR, "internal error"},
    [STATUS_VERSION] = {API_INTERNAL_ERROR, "internal error"},
    [STATUS_IO] = {API_INTERNAL_ERROR, "internal error"},
};

void call_error(struct call *call, enum api_error error, const char *message)
{
    response_error(call->response, call->request, error, message, NULL);
}

void call_invalid(struct call *call, const char *message, const struct field_errors *errors)
{
    response_error(call->response, call->request, API_VALIDATION_ERROR, message, errors);
}

void call_fail(struct call *call, enum status status, const char *message)
{
    enum api_error error = outcomes[status].error;
    call_error(call, error, message != NULL ? message : outcomes[status].message);
    if (error == API_INTERNAL_ERROR || error == API_SERVICE_UNAVAILABLE)
        log_error("request_failed", LOG_TEXT("trace_id", call->response->trace_id),
                  LOG_TEXT("cause", status_name(status)), LOG_TEXT("method", http_method_name(call->request->method)),
                  LOG_TEXT("path", call->request->path));
}

bool call_object_id(struct call *call, struct object_id *out)
{
    char text[OBJECT_ID_TEXT];
    if (call->id.length != sizeof text - 1) {
        call_fail(call, STATUS_NOT_FOUND, NULL);
        return false;
    }
    memcpy(text, call->id.data, sizeof text - 1);
    text[sizeof text - 1] = '\0';
    if (object_id_parse(text, out) != STATUS_OK) {
        call_fail(call, STATUS_NOT_FOUND, NULL);
        return false;
    }
    return true;
}

bool call_delivery_id(struct call *call, struct object_id *subscription_id, struct object_id *event_id)
{
    if (delivery_id_parse(call->id, subscription_id, event_id) == STATUS_OK)
        return true;
    call_fail(call, STATUS_NOT_FOUND, "no such delivery");
    return false;
}

void call_invalid_for_subscription(struct call *call, const char *message, const struct field_errors *errors)
{
    struct object_id id;
    if (!call_object_id(call, &id))
        return;
    struct subscription subscription = {0};
    enum status status = store_subscription_get(call->store, &call->key.organization_id, &id, &subscription);
    if (status == STATUS_OK) {
        subscription_clear(&subscription);
        call_invalid(call, message, errors);
    } else {
        call_fail(call, status, status == STATUS_NOT_FOUND ? "no such subscription" : NULL);
    }
}
