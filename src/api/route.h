/* THE table: what the API answers to, who may ask, and whether a body is taken. */
#ifndef HOOKTURN_API_ROUTE_H
#define HOOKTURN_API_ROUTE_H

#include <stdbool.h>

#include "api/request.h"
#include "base/buf.h"

struct call;

/* What an operation does with a body: where it is ignored, so is its media type. */
enum route_body { BODY_IGNORED, BODY_JSON, BODY_PATCH };

struct route {
    enum http_method method; /* HTTP_GET serves HEAD, too */
    const char *pattern;     /* "{id}" stands for one segment that is not empty */
    unsigned scope;          /* enum api_scope; 0: anybody */
    enum route_body body;
    void (*handle)(struct call *call);
};

/* Decided by the path alone, known or not: everything under /v1 but the OpenAPI document, and /metrics. */
bool route_needs_key(const char *path);
/* The row for method and path; *id is the segment that stood for {id} (empty without one) and borrows from `path`.
 * NULL: no such path, or not with this method. */
const struct route *route_find(enum http_method method, const char *path, struct slice *id);
/* Appends the methods of a path, "GET, HEAD, PUT"; nothing for an unknown path. */
void route_allow(const char *path, struct buf *out);

#endif
