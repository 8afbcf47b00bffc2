/* A subscriber's own headers: a JSON object of names and values. What is accepted breaks no request. */
#include "fuzz.h"

#include <string.h>
#include <strings.h>

#include "api/input_headers.h"
#include "base/json_scan.h"
#include "model/subscription_check.h"

static void check(const struct header_list *headers)
{
    size_t bytes = 0;
    MUST(headers->count <= HEADERS_MAX);
    for (size_t i = 0; i < headers->count; i++) {
        const struct header *header = &headers->items[i];
        MUST(header->name[0] && !strpbrk(header->name, "\r\n: ") && !strpbrk(header->value, "\r\n"));
        MUST(strcasecmp(header->name, "Host") != 0 && strncasecmp(header->name, "Webhook-", 8) != 0);
        for (const char *at = header->value; *at; at++)
            MUST(*at >= ' ' && *at <= '~');
        bytes += strlen(header->name) + strlen(header->value);
    }
    MUST(bytes <= HEADERS_MAX_BYTES);
}

/* As a request's body is read: only what the strict scan lets pass. */
static json_object *read_object(struct slice text)
{
    struct json_scan scan;
    const char *message;
    if (json_scan(text, JSON_MAX_DEPTH, &scan, &message) != STATUS_OK)
        return NULL;
    bool is_object = scan.kind == JSON_OBJECT;
    json_scan_clear(&scan);
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_LIMIT);
    json_object *value = is_object ? json_tokener_parse_ex(tokener, text.data, (int)text.length) : NULL;
    json_tokener_free(tokener);
    return value;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct header_list headers = {0};
    struct field_errors errors = {0};
    json_object *map = read_object((struct slice){(const char *)data, size});
    if (map && !input_headers(map, &headers, &errors) && errors.count == 0)
        check(&headers);
    json_object_put(map);
    field_errors_clear(&errors);
    header_list_clear(&headers);
    return 0;
}
