/* One answer: its headers, and the two forms of error body. */
#include "api/response.h"

#include <stdlib.h>
#include <string.h>

#include "base/json_out.h"
#include "base/clock.h"
#include "base/mem.h"

static const struct {
    int status;
    const char *text;
} status_texts[] = {
    {200, "OK"},
    {201, "Created"},
    {202, "Accepted"},
    {204, "No Content"},
    {400, "Bad Request"},
    {401, "Unauthorized"},
    {403, "Forbidden"},
    {404, "Not Found"},
    {405, "Method Not Allowed"},
    {409, "Conflict"},
    {412, "Precondition Failed"},
    {413, "Content Too Large"},
    {415, "Unsupported Media Type"},
    {500, "Internal Server Error"},
    {503, "Service Unavailable"},
};

static const struct {
    int status;
    const char *type;
} errors_table[] = {
    [API_VALIDATION_ERROR] = {400, "VALIDATION_ERROR"},
    [API_UNAUTHORIZED] = {401, NULL}, /* the gateway's form has no type */
    [API_FORBIDDEN] = {403, "FORBIDDEN"},
    [API_NOT_FOUND] = {404, "NOT_FOUND"},
    [API_METHOD_NOT_ALLOWED] = {405, "METHOD_NOT_ALLOWED"},
    [API_CONFLICT] = {409, "CONFLICT"},
    [API_PRECONDITION_FAILED] = {412, "PRECONDITION_FAILED"},
    [API_PAYLOAD_TOO_LARGE] = {413, "PAYLOAD_TOO_LARGE"},
    [API_UNSUPPORTED_MEDIA_TYPE] = {415, "UNSUPPORTED_MEDIA_TYPE"},
    [API_INTERNAL_ERROR] = {500, "INTERNAL_ERROR"},
    [API_SERVICE_UNAVAILABLE] = {503, "SERVICE_UNAVAILABLE"},
};

const char *http_status_text(int status)
{
    for (size_t i = 0; i < sizeof status_texts / sizeof status_texts[0]; i++)
        if (status_texts[i].status == status)
            return status_texts[i].text;
    return "Unknown";
}

static void write_common_headers(struct response *response)
{
    response_header(response, "X-Trace-Id", response->trace_id);
    response_header(response, "Cache-Control", "no-store");
}

void response_init(struct response *response)
{
    *response = (struct response){.status = 200};
    struct uuid trace;
    uuid_make(&trace);
    uuid_format(&trace, response->trace_id);
    write_common_headers(response);
}

void response_clear(struct response *response)
{
    buf_clear(&response->headers);
    buf_clear(&response->body);
}

void response_header(struct response *response, const char *name, const char *value)
{
    buf_printf(&response->headers, "%s: %s\r\n", name, value);
}

/* ---- field errors ---- */

/* A member is named once, with what was found first. */
void field_errors_add(struct field_errors *errors, const char *field, const char *message)
{
    for (size_t i = 0; i < errors->count; i++)
        if (strcmp(errors->items[i].field, field) == 0)
            return;
    errors->items = mem_realloc(errors->items, errors->count + 1, sizeof errors->items[0]);
    errors->items[errors->count++] = (struct field_error){mem_strdup(field), message};
}

void field_errors_clear(struct field_errors *errors)
{
    for (size_t i = 0; i < errors->count; i++)
        free(errors->items[i].field);
    free(errors->items);
    *errors = (struct field_errors){0};
}

/* ---- error bodies ---- */

static void write_gateway_body(struct response *response)
{
    json_object *object = json_out_new();
    json_out_text(object, "error", "Authentication");
    json_out_text(object, "message", "Authentication failed");
    json_out_text(object, "traceId", response->trace_id);
    json_out_end(object, &response->body);
}

static void add_details(json_object *object, const struct field_errors *errors)
{
    json_object *fields = json_out_object(json_out_object(object, "details"), "fields");
    for (size_t i = 0; i < errors->count; i++)
        json_out_text(fields, errors->items[i].field, errors->items[i].message);
}

static void write_error_body(struct response *response, const struct request *request, const char *type,
                             const char *message, const struct field_errors *errors)
{
    json_object *object = json_out_new();
    json_out_integer(object, "status", response->status);
    json_out_text(object, "type", type);
    json_out_text(object, "message", message);
    if (errors != NULL && errors->count > 0)
        add_details(object, errors);
    json_out_time(object, "timestamp", clock_now_ms());
    json_out_text(object, "path", request->client_path);
    json_out_text(object, "trace_id", response->trace_id);
    json_out_end(object, &response->body);
}

void response_error(struct response *response, const struct request *request, enum api_error error, const char *message,
                    const struct field_errors *errors)
{
    buf_clear(&response->headers);
    buf_clear(&response->body);
    response->status = errors_table[error].status;
    write_common_headers(response);
    response_header(response, "Content-Type", "application/json");
    if (error == API_UNAUTHORIZED) {
        response_header(response, "WWW-Authenticate", "Bearer");
        write_gateway_body(response);
        return;
    }
    if (error == API_SERVICE_UNAVAILABLE)
        response_header(response, "Retry-After", "1");
    write_error_body(response, request, errors_table[error].type, message, errors);
}
