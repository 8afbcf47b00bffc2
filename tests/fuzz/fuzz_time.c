/* Times, durations and sizes: what is read is written so that it is read again. */
#include "fuzz.h"

#include <stdbool.h>
#include <string.h>

#include "base/timestamp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char formatted[TIMESTAMP_SIZE];
    int64_t value, again;
    char *text = strndup((const char *)data, size);
    MUST(text);
    if (timestamp_parse(text, &value) == STATUS_OK) {
        timestamp_format(value, formatted);
        MUST(strlen(formatted) == 24);
        bool is_of_our_years = value >= INT64_C(-62167219200000) && value <= INT64_C(253402300799999);
        if (is_of_our_years) /* an offset may lead out of them */
            MUST(timestamp_parse(formatted, &again) == STATUS_OK && again == value);
    }
    MUST(duration_parse(text, &value) != STATUS_OK || value >= 0);
    MUST(size_parse(text, &value) != STATUS_OK || value >= 0);
    free(text);
    return 0;
}
