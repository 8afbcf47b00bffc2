/* The subscriber's own headers, sealed as one blob. They often hold credentials, so only the API (for `manage` keys)
 * and the worker ever see them in clear. */
#include "model/subscription.h"

#include "base/mem.h"
#include "model/record_io.h"

static void encode_headers(const struct header_list *headers, struct buf *out)
{
    record_write_version(out);
    record_write_count(out, headers->count);
    for (size_t i = 0; i < headers->count; i++) {
        record_write_text(out, headers->items[i].name);
        record_write_text(out, headers->items[i].value);
    }
}

static enum status decode_headers(struct slice bytes, struct header_list *out)
{
    struct record_reader reader = record_reader_init(bytes);
    struct header_list headers = {0};
    size_t count = record_read_count(&reader, 2 * RECORD_TEXT_MIN_BYTES);
    for (size_t i = 0; i < count && record_reader_is_ok(&reader); i++) {
        char *name = record_read_text(&reader);
        char *value = record_read_text(&reader);
        if (record_reader_is_ok(&reader))
            header_list_add(&headers, name, value);
        mem_free_cleansed_text(name);
        mem_free_cleansed_text(value);
    }
    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = headers;
    else
        header_list_clear(&headers);
    return status;
}

void subscription_seal_headers(struct subscription *subscription, const struct keyring *keyring,
                               const struct header_list *headers)
{
    buf_clear(&subscription->sealed_headers);
    if (headers->count == 0)
        return;
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    struct buf plain = {0};
    encode_headers(headers, &plain);
    keyring_seal(keyring, slice_of(id), buf_slice(&plain), &subscription->sealed_headers);
    buf_clear(&plain);
}

enum status subscription_unseal_headers(const struct subscription *subscription, const struct keyring *keyring,
                                        struct header_list *out)
{
    if (subscription->sealed_headers.length == 0) {
        *out = (struct header_list){0};
        return STATUS_OK;
    }
    char id[OBJECT_ID_TEXT];
    object_id_format(&subscription->id, id);
    struct buf plain = {0};
    enum status status = keyring_unseal(keyring, slice_of(id), buf_slice(&subscription->sealed_headers), &plain);
    if (status == STATUS_OK)
        status = decode_headers(buf_slice(&plain), out);
    buf_clear(&plain);
    return status;
}
