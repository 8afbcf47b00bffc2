/* The request's own memory, and the names of methods. */
#include "api/request.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"

static const struct {
    const char *name;
    enum http_method method;
} methods[] = {
    {"GET", HTTP_GET},     {"HEAD", HTTP_HEAD},     {"POST", HTTP_POST},       {"PUT", HTTP_PUT},
    {"PATCH", HTTP_PATCH}, {"DELETE", HTTP_DELETE}, {"OPTIONS", HTTP_OPTIONS},
};
enum { METHOD_COUNT = sizeof methods / sizeof methods[0] };

void request_clear(struct request *request)
{
    free(request->path);
    free(request->client_path);
    free(request->mount);
    free(request->query);
    mem_free_cleansed_text(request->authorization); /* it held an API key */
    free(request->content_type);
    free(request->if_match);
    free(request->idempotency_key);
    free(request->document_root);
    free(request->context_root);
    buf_clear(&request->body);
    *request = (struct request){0};
}

enum http_method http_method_parse(const char *text)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (strcmp(methods[i].name, text) == 0)
            return methods[i].method;
    return HTTP_OTHER;
}

const char *http_method_name(enum http_method method)
{
    for (size_t i = 0; i < METHOD_COUNT; i++)
        if (methods[i].method == method)
            return methods[i].name;
    return "OTHER";
}
