/* From the web server's variables and body to a struct request, and from a struct response to CGI's form (RFC 3875).
 * Nothing behind this knows which door a request came through. */
#include "cgi_request.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/mem.h"

enum {
    CHUNK = 16384,
    DRAIN_MAX = 1048576 /* so much of a body that is too large is read, so that the server can hand over the answer */
};
#define LENGTH_UNKNOWN INT64_C(-1)

static const char *variable(const struct cgi_door *door, const char *name)
{
    return door->variable(door->context, name);
}

static char *copy_variable(const struct cgi_door *door, const char *name)
{
    const char *value = variable(door, name);
    return mem_strdup(value != NULL ? value : "");
}

/* For headers that mean something even when they are empty. */
static char *copy_if_there(const struct cgi_door *door, const char *name)
{
    const char *value = variable(door, name);
    return value != NULL ? mem_strdup(value) : NULL;
}

/* Apache puts REDIRECT_ before a name with each internal redirect, of which a rewritten request may have made some. */
static char *copy_authorization(const struct cgi_door *door)
{
    static const char *const names[] = {"HTTP_AUTHORIZATION", "REDIRECT_HTTP_AUTHORIZATION",
                                        "REDIRECT_REDIRECT_HTTP_AUTHORIZATION"};
    const char *value = NULL;
    for (size_t i = 0; i < sizeof names / sizeof names[0] && (value == NULL || value[0] == '\0'); i++)
        value = variable(door, names[i]);
    return mem_strdup(value != NULL ? value : "");
}

static void read_path(const struct cgi_door *door, const struct conf *conf, struct request *out)
{
    struct path_variables variables = {.path_info = variable(door, "PATH_INFO"),
                                       .script_name = variable(door, "SCRIPT_NAME"),
                                       .request_uri = variable(door, "REQUEST_URI"),
                                       .query_string = variable(door, "QUERY_STRING"),
                                       .base_path = conf->base_path};
    request_resolve_path(out, &variables);
}

/* Absent or empty where the client sent the body in chunks. */
static int64_t announced_length(const struct cgi_door *door)
{
    const char *text = variable(door, "CONTENT_LENGTH");
    if (text == NULL || text[0] < '0' || text[0] > '9')
        return LENGTH_UNKNOWN;
    errno = 0;
    long long length = strtoll(text, NULL, 10);
    return errno != 0 ? INT64_MAX : length;
}

/* Up to `limit` bytes, appended to `out`; dropped where that is NULL. */
static void read_bytes(const struct cgi_door *door, int64_t limit, struct buf *out)
{
    char chunk[CHUNK];
    while (limit > 0) {
        size_t wanted = limit < CHUNK ? (size_t)limit : sizeof chunk;
        size_t got = door->read(door->context, chunk, wanted);
        if (got == 0)
            break;
        if (out != NULL)
            buf_append(out, chunk, got);
        limit -= (int64_t)got;
    }
}

static void read_body(const struct cgi_door *door, int64_t max_body, struct request *out)
{
    int64_t announced = announced_length(door);
    bool is_known = announced != LENGTH_UNKNOWN;
    if (is_known && announced > max_body) {
        out->body_is_too_large = true;
        read_bytes(door, announced < DRAIN_MAX ? announced : DRAIN_MAX, NULL);
        return;
    }
    read_bytes(door, is_known ? announced : max_body + 1, &out->body);
    out->body_is_broken = is_known && (int64_t)out->body.length < announced;
    if ((int64_t)out->body.length > max_body) {
        out->body_is_too_large = true;
        buf_clear(&out->body);
        read_bytes(door, DRAIN_MAX, NULL);
    }
}

void cgi_request_read(const struct cgi_door *door, const struct conf *conf, struct request *out)
{
    const char *method = variable(door, "REQUEST_METHOD");
    *out = (struct request){.method = http_method_parse(method != NULL ? method : ""),
                            .authorization = copy_authorization(door),
                            .content_type = copy_variable(door, "CONTENT_TYPE"),
                            .if_match = copy_if_there(door, "HTTP_IF_MATCH"),
                            .idempotency_key = copy_if_there(door, "HTTP_IDEMPOTENCY_KEY"),
                            .document_root = copy_variable(door, "DOCUMENT_ROOT"),
                            .context_root = copy_variable(door, "CONTEXT_DOCUMENT_ROOT")};
    read_path(door, conf, out);
    read_body(door, conf->max_body, out);
}

void cgi_response_write(const struct cgi_door *door, const struct request *request, const struct response *response)
{
    struct buf out;
    buf_init(&out);
    buf_reserve(&out, response->headers.length + response->body.length + 128);
    buf_printf(&out, "Status: %d %s\r\n", response->status, http_status_text(response->status));
    buf_append_slice(&out, buf_slice(&response->headers));
    bool has_body = response->status != 204;
    if (has_body)
        buf_printf(&out, "Content-Length: %zu\r\n", response->body.length);
    buf_append_text(&out, "\r\n");
    if (has_body && request->method != HTTP_HEAD)
        buf_append_slice(&out, buf_slice(&response->body));
    door->write(door->context, out.data, out.length);
    buf_clear(&out);
}
