/* Deliveries and their attempts as bytes. Deliveries are the most numerous records, so theirs has a fixed length. */
#include "model/record.h"

#include "model/record_io.h"

/* Version 2 has is_forced at its end. */
enum { DELIVERY_VERSION = 2 };

void delivery_encode(const struct delivery *delivery, struct buf *out)
{
    record_write_u8(out, DELIVERY_VERSION);
    record_write_bytes(out, delivery->organization_id.bytes, sizeof delivery->organization_id.bytes);
    record_write_u8(out, delivery->status);
    record_write_u32(out, delivery->generation);
    record_write_i64(out, delivery->lease_until_ms);
    record_write_u32(out, delivery->attempt_count);
    record_write_u32(out, delivery->budget_used);
    record_write_i64(out, delivery->next_attempt_at_ms);
    record_write_i64(out, delivery->created_at_ms);
    record_write_i64(out, delivery->finished_at_ms);
    record_write_bool(out, delivery->is_forced);
}

enum status delivery_decode(struct slice bytes, struct delivery *out)
{
    unsigned version;
    struct record_reader reader = record_reader_init_versions(bytes, DELIVERY_VERSION, &version);
    struct delivery delivery = {.subscription_id = out->subscription_id, .event_id = out->event_id};
    record_read_bytes(&reader, delivery.organization_id.bytes, sizeof delivery.organization_id.bytes);
    delivery.status = (enum delivery_status)record_read_u8(&reader, DELIVERY_WAITING, DELIVERY_CANCELLED);
    delivery.generation = record_read_u32(&reader);
    delivery.lease_until_ms = record_read_i64(&reader);
    delivery.attempt_count = record_read_u32(&reader);
    delivery.budget_used = record_read_u32(&reader);
    delivery.next_attempt_at_ms = record_read_i64(&reader);
    delivery.created_at_ms = record_read_i64(&reader);
    delivery.finished_at_ms = record_read_i64(&reader);
    delivery.is_forced = version >= 2 && record_read_bool(&reader);

    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = delivery;
    return status;
}

void attempt_encode(const struct attempt *attempt, struct buf *out)
{
    record_write_version(out);
    record_write_u32(out, attempt->number);
    record_write_i64(out, attempt->started_at_ms);
    record_write_i64(out, attempt->duration_ms);
    record_write_i32(out, attempt->response_status);
    record_write_u8(out, attempt->error);
    record_write_u32(out, attempt->signature_count);
    record_write_blob(out, buf_slice(&attempt->response_headers));
    record_write_blob(out, buf_slice(&attempt->response_body));
}

enum status attempt_decode(struct slice bytes, struct attempt *out)
{
    struct record_reader reader = record_reader_init(bytes);
    struct attempt attempt = {0};
    attempt.number = record_read_u32(&reader);
    attempt.started_at_ms = record_read_i64(&reader);
    attempt.duration_ms = record_read_i64(&reader);
    attempt.response_status = record_read_i32(&reader);
    attempt.error = (enum attempt_error)record_read_u8(&reader, ATTEMPT_NO_ERROR, ATTEMPT_PROTOCOL);
    attempt.signature_count = record_read_u32(&reader);
    record_read_blob(&reader, SIZE_MAX, &attempt.response_headers);
    record_read_blob(&reader, SIZE_MAX, &attempt.response_body);

    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = attempt;
    else
        attempt_clear(&attempt);
    return status;
}
