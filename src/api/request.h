/* One request as the API sees it, whichever door it came through; everything bounded and decoded at the edge. */
#ifndef HOOKTURN_API_REQUEST_H
#define HOOKTURN_API_REQUEST_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"

enum http_method { HTTP_GET, HTTP_HEAD, HTTP_POST, HTTP_PUT, HTTP_PATCH, HTTP_DELETE, HTTP_OPTIONS, HTTP_OTHER };

/* Texts are terminated and, but for two, never NULL ("" where absent); the owner of the struct frees them with
 * request_clear. */
struct request {
    enum http_method method;
    char *path;          /* decoded, from the first known segment on: "/v1/…", "/healthz" */
    char *client_path;   /* as the client sent it, without the query, printable ASCII */
    char *mount;         /* what stands before `path` in client_path: "" or "/…" */
    char *query;         /* undecoded, without "?" */
    char *authorization; /* the header's value */
    char *content_type;
    char *if_match;        /* NULL where the header is absent: an empty one matches nothing */
    char *idempotency_key; /* NULL where the header is absent */
    char *document_root;   /* the web server's directories of files: the site's, and this part's of it */
    char *context_root;
    struct buf body; /* at most max_body bytes */
    bool body_is_too_large;
    bool body_is_broken; /* the client went away before the announced end */
};

void request_clear(struct request *request);
enum http_method http_method_parse(const char *text);
/* The method's name for Allow and messages. */
const char *http_method_name(enum http_method method);

/* The server's variables that name the path, any of them NULL; what section 10 of the manual describes. Sets path,
 * client_path, mount and query. `base_path`: the configuration's. */
struct path_variables {
    const char *path_info;
    const char *script_name;
    const char *request_uri;
    const char *query_string;
    const char *base_path;
};
void request_resolve_path(struct request *request, const struct path_variables *variables);

#endif
