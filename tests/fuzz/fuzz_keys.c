/* The master key file, which its owner may have edited: what is read is written so that it is read again. */
#include "fuzz.h"

#include <string.h>

#include "base/keyring_file.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct key_list keys = {0}, again = {0};
    struct buf text = {0};
    if (key_list_parse((struct slice){(const char *)data, size}, &keys) == STATUS_OK) {
        MUST(keys.count > 0);
        key_list_compose(&keys, &text);
        MUST(key_list_parse(buf_slice(&text), &again) == STATUS_OK);
        MUST(again.count == keys.count && memcmp(again.items, keys.items, keys.count * sizeof *keys.items) == 0);
    }
    key_list_clear(&keys);
    key_list_clear(&again);
    buf_clear(&text);
    return 0;
}
