/* The values of headers and parameters: Retry-After of a receiver, Content-Type, If-Match, Authorization's key and the
 * query of a client. */
#include "fuzz.h"

#include <string.h>

#include "api/media_type.h"
#include "api/precondition.h"
#include "api/query.h"
#include "base/crypto.h"
#include "model/api_key.h"
#include "model/delivery.h"

static const char *read_value(void *context, const char *value)
{
    size_t *length = context;
    *length += strlen(value);
    return value[0] == 'x' ? "must not begin with x" : NULL;
}

static void check_retry_after(const uint8_t *data, size_t size)
{
    static const int64_t times_ms[] = {0, INT64_C(1781259300000), INT64_C(4102444800000)};
    for (size_t i = 0; i < sizeof times_ms / sizeof times_ms[0]; i++) {
        int64_t wait_ms = retry_after_parse((const char *)data, size, times_ms[i]);
        MUST(wait_ms >= -1 && wait_ms <= INT64_C(86400000));
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const struct query_field fields[] = {{"page_size", true, read_value}, {"a", false, read_value}};
    struct field_errors errors = {0};
    size_t length = 0;
    char *text = strndup((const char *)data, size);
    MUST(text);
    check_retry_after(data, size);
    query_read(text, fields, 2, &length, &errors);
    MUST(length <= size);
    field_errors_clear(&errors);
    MUST(!media_type_is_json(text) || media_type_is_patch(text));
    (void)precondition_names(text, "\"1-0\"");
    (void)api_key_has_form((const char *)data, size);
    (void)api_scopes_parse(text);
    free(text);
    return 0;
}
