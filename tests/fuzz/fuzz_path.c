/* Where a request's path stands: a line each for PATH_INFO, SCRIPT_NAME, REQUEST_URI, QUERY_STRING and the configured
 * base; a line that is not there is a variable that is not set. */
#include "fuzz.h"

#include <string.h>

#include "api/request.h"
#include "api/route.h"

enum { LINES = 5, BASE = 4 };

/* `text` is ours to cut up. */
static void split(char *text, const char *lines[LINES])
{
    for (int i = 0; i < LINES; i++) {
        lines[i] = text;
        char *end = text ? strchr(text, '\n') : NULL;
        if (end)
            *end = '\0';
        text = end ? end + 1 : NULL;
    }
}

static void check(const struct request *request)
{
    MUST(request->path && request->client_path && request->mount && request->query);
    MUST(request->path[0] == '\0' || request->path[0] == '/');
    for (const char *at = request->client_path; *at; at++)
        MUST(*at > ' ' && *at <= '~' && *at != '?');
    for (const char *at = request->mount; *at; at++)
        MUST(*at > ' ' && *at <= '~');
    MUST(strncmp(request->mount, "//", 2) != 0); /* it would begin a host in a Location */
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *lines[LINES];
    char *text = strndup((const char *)data, size);
    MUST(text);
    split(text, lines);
    if (!lines[BASE] || lines[BASE][0] != '/' || strspn(lines[BASE], "/abc") != strlen(lines[BASE]) ||
        strstr(lines[BASE], "//") || lines[BASE][strlen(lines[BASE]) - 1] == '/')
        lines[BASE] = ""; /* the configuration would not take it */
    const struct path_variables variables = {lines[0], lines[1], lines[2], lines[3], lines[BASE]};
    struct request request = {.method = HTTP_GET};
    request_resolve_path(&request, &variables);
    check(&request);
    (void)route_needs_key(request.path);
    request_clear(&request);
    free(text);
    return 0;
}
