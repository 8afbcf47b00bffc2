/* One answer, and the error bodies of the API. */
#ifndef HOOKTURN_API_RESPONSE_H
#define HOOKTURN_API_RESPONSE_H

#include <stdbool.h>
#include <stdint.h>

#include "api/request.h"
#include "base/buf.h"
#include "base/id.h"
#include "base/status.h"

struct response {
    int status;
    char trace_id[UUID_TEXT];
    struct buf headers; /* "Name: value\r\n"… without Status, Content-Length */
    struct buf body;    /* complete; not to be sent for HEAD */
    bool needs_worker;  /* something became due: once the answer is out, worker_start_if_none */
};

/* A fresh one with trace id; X-Trace-Id and Cache-Control are written already. */
void response_init(struct response *response);
void response_clear(struct response *response);
void response_header(struct response *response, const char *name, const char *value);
/* "OK", "Not Found". */
const char *http_status_text(int status);

/* Messages for details.fields, all of them at once. */
struct field_errors {
    struct field_error {
        char *field;         /* dotted */
        const char *message; /* static */
    } * items;
    size_t count;
};
void field_errors_add(struct field_errors *errors, const char *field, const char *message);
void field_errors_clear(struct field_errors *errors);

enum api_error {
    API_VALIDATION_ERROR,
    API_UNAUTHORIZED,
    API_FORBIDDEN,
    API_NOT_FOUND,
    API_METHOD_NOT_ALLOWED,
    API_CONFLICT,
    API_PRECONDITION_FAILED,
    API_PAYLOAD_TOO_LARGE,
    API_UNSUPPORTED_MEDIA_TYPE,
    API_INTERNAL_ERROR,
    API_SERVICE_UNAVAILABLE
};
/* Replaces whatever the response held. `errors` may be NULL. 401 takes the gateway's form, 503 gets Retry-After. */
void response_error(struct response *response, const struct request *request, enum api_error error, const char *message,
                    const struct field_errors *errors);

#endif
