/* Events as bytes: the body as receivers get it, and the list of subscriptions that are its deliveries. */
#include "model/record.h"

#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "model/record_io.h"

void event_encode(const struct event *event, struct buf *out)
{
    record_write_version(out);
    record_write_bytes(out, event->id.bytes, sizeof event->id.bytes);
    record_write_bytes(out, event->organization_id.bytes, sizeof event->organization_id.bytes);
    record_write_i64(out, event->created_at_ms);
    record_write_text(out, event->name);
    record_write_text(out, event->trace_id);
    record_write_optional_text(out, event->agent_id);
    record_write_optional_text(out, event->workspace_id);
    record_write_blob(out, buf_slice(&event->body));
    record_write_count(out, event->expanded_count);
    record_write_count(out, event->subscription_count);
    for (size_t i = 0; i < event->subscription_count; i++)
        record_write_bytes(out, event->subscriptions[i].bytes, OBJECT_ID_BYTES);
}

/* Version, id, organization, time, two texts. */
_Static_assert(1 + OBJECT_ID_BYTES + UUID_BYTES + 8 + 2 * (RECORD_TEXT_MIN_BYTES + EVENT_WORD_SIZE) <= EVENT_HEAD_BYTES,
               "the head is in the bytes that are read for it");

static void read_word(struct record_reader *reader, char out[EVENT_WORD_SIZE])
{
    char *text = record_read_text(reader);
    if (text != NULL && strlen(text) < EVENT_WORD_SIZE)
        memcpy(out, text, strlen(text) + 1);
    else
        record_reader_fail(reader);
    free(text);
}

enum status event_head_decode(struct slice bytes, struct event_head *out)
{
    struct record_reader reader = record_reader_init(bytes);
    struct event_head head;
    struct object_id id;
    record_read_bytes(&reader, id.bytes, sizeof id.bytes);
    record_read_bytes(&reader, head.organization_id.bytes, sizeof head.organization_id.bytes);
    (void)record_read_i64(&reader); /* when it was created */
    read_word(&reader, head.name);
    read_word(&reader, head.trace_id);
    if (reader.status == STATUS_OK)
        *out = head;
    return reader.status;
}

static void read_subscriptions(struct record_reader *reader, struct event *event)
{
    event->subscription_count = record_read_count(reader, OBJECT_ID_BYTES);
    if (event->expanded_count > event->subscription_count)
        record_reader_fail(reader);
    if (event->subscription_count == 0 || !record_reader_is_ok(reader))
        return;
    event->subscriptions = mem_calloc(event->subscription_count, sizeof *event->subscriptions);
    for (size_t i = 0; i < event->subscription_count; i++)
        record_read_bytes(reader, event->subscriptions[i].bytes, OBJECT_ID_BYTES);
}

enum status event_decode(struct slice bytes, struct event *out)
{
    struct record_reader reader = record_reader_init(bytes);
    struct event event = {0};
    record_read_bytes(&reader, event.id.bytes, sizeof event.id.bytes);
    record_read_bytes(&reader, event.organization_id.bytes, sizeof event.organization_id.bytes);
    event.created_at_ms = record_read_i64(&reader);
    event.name = record_read_text(&reader);
    event.trace_id = record_read_text(&reader);
    event.agent_id = record_read_optional_text(&reader);
    event.workspace_id = record_read_optional_text(&reader);
    record_read_blob(&reader, SIZE_MAX, &event.body);
    event.expanded_count = record_read_u32(&reader);
    read_subscriptions(&reader, &event);

    enum status status = record_reader_finish(&reader);
    if (status == STATUS_OK)
        *out = event;
    else
        event_clear(&event);
    return status;
}
