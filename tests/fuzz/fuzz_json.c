/* The strict JSON scan, and json-c behind it: what the scan lets pass json-c reads. */
#include "fuzz.h"

#include <json-c/json.h>
#include <string.h>

#include "base/encoding.h"
#include "base/json_scan.h"

static void check_span(const struct json_scan *scan, const struct json_span *span, struct slice text)
{
    struct json_scan inner;
    const char *message;
    MUST(span->value.data >= text.data && span->value.data + span->value.length <= text.data + text.length);
    MUST(span->value.length > 0 && span->value_count > 0);
    MUST(utf8_is_valid(buf_text(&span->name), span->name.length));
    if (json_scan(span->value, JSON_MAX_DEPTH, &inner, &message) == STATUS_OK)
        json_scan_clear(&inner);
    else
        MUST(span->kind == JSON_OBJECT); /* a name may stand twice further in */
    if (scan->kind == JSON_OBJECT)
        MUST(json_scan_find(scan, buf_text(&span->name)) || span->is_unclean);
}

static void read_with_json_c(struct slice text)
{
    struct json_tokener *tokener = json_tokener_new_ex(JSON_DEPTH_LIMIT);
    json_object *value = json_tokener_parse_ex(tokener, text.data, (int)text.length);
    if (json_tokener_get_error(tokener) == json_tokener_continue)
        value = json_tokener_parse_ex(tokener, "", 1);
    MUST(json_tokener_get_error(tokener) == json_tokener_success);
    json_object_put(value);
    json_tokener_free(tokener);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct slice text = {(const char *)data, size};
    struct json_scan scan;
    const char *message = NULL;
    enum status status = json_scan(text, JSON_MAX_DEPTH, &scan, &message);
    MUST(status == STATUS_OK || (status == STATUS_INVALID && message));
    if (status != STATUS_OK)
        return 0;
    for (size_t i = 0; i < scan.count; i++)
        check_span(&scan, &scan.spans[i], text);
    json_scan_clear(&scan);
    read_with_json_c(text);
    return 0;
}
