/* Probes as bytes, all of one length. */
#include "model/record.h"

#include "model/record_io.h"

void probe_encode(const struct probe *probe, struct buf *out)
{
    record_write_version(out);
    record_write_bytes(out, probe->organization_id.bytes, sizeof probe->organization_id.bytes);
    record_write_u8(out, probe->status);
    record_write_u32(out, probe->generation);
    record_write_i64(out, probe->lease_until_ms);
    record_write_i64(out, probe->requested_at_ms);
    record_write_i64(out, probe->finished_at_ms);
    for (int i = 0; i < PROBE_PARTS; i++) {
        record_write_i32(out, probe->replies[i].response_status);
        record_write_u8(out, probe->replies[i].error);
        record_write_i64(out, probe->replies[i].duration_ms);
    }
}

enum status probe_decode(struct slice bytes, struct probe *out)
{
    struct record_reader reader = record_reader_init(bytes);
    struct probe probe = {.subscription_id = out->subscription_id};
    record_read_bytes(&reader, probe.organization_id.bytes, sizeof probe.organization_id.bytes);
    probe.status = (enum probe_status)record_read_u8(&reader, PROBE_PENDING, PROBE_VOID);
    probe.generation = record_read_u32(&reader);
    probe.lease_until_ms = record_read_i64(&reader);
    probe.requested_at_ms = record_read_i64(&reader);
    probe.finished_at_ms = record_read_i64(&reader);
    for (int i = 0; i < PROBE_PARTS; i++) {
        probe.replies[i].response_status = record_read_i32(&reader);
        probe.replies[i].error = (enum attempt_error)record_read_u8(&reader, ATTEMPT_NO_ERROR, ATTEMPT_PROTOCOL);
        probe.replies[i].duration_ms = record_read_i64(&reader);
    }

    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = probe;
    return status;
}
