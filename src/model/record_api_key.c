/* API keys as bytes. */
#include "model/record.h"

#include "model/record_io.h"

enum { ALL_SCOPES = API_SCOPE_READ | API_SCOPE_MANAGE | API_SCOPE_PUBLISH | API_SCOPE_OPERATE };

void api_key_encode(const struct api_key *key, struct buf *out)
{
    record_write_version(out);
    record_write_bytes(out, key->id.bytes, sizeof key->id.bytes);
    record_write_bytes(out, key->digest, sizeof key->digest);
    record_write_bytes(out, key->organization_id.bytes, sizeof key->organization_id.bytes);
    record_write_text(out, key->created_user_id);
    record_write_optional_text(out, key->name);
    record_write_u8(out, key->scopes);
    record_write_i64(out, key->created_at_ms);
    record_write_i64(out, key->expires_at_ms);
    record_write_i64(out, key->revoked_at_ms);
}

enum status api_key_decode(struct slice bytes, struct api_key *out)
{
    struct record_reader reader = record_reader_init(bytes);
    struct api_key key = {0};
    record_read_bytes(&reader, key.id.bytes, sizeof key.id.bytes);
    record_read_bytes(&reader, key.digest, sizeof key.digest);
    record_read_bytes(&reader, key.organization_id.bytes, sizeof key.organization_id.bytes);
    key.created_user_id = record_read_text(&reader);
    key.name = record_read_optional_text(&reader);
    key.scopes = record_read_u8(&reader, 0, ALL_SCOPES);
    key.created_at_ms = record_read_i64(&reader);
    key.expires_at_ms = record_read_i64(&reader);
    key.revoked_at_ms = record_read_i64(&reader);

    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = key;
    else
        api_key_clear(&key);
    return status;
}
