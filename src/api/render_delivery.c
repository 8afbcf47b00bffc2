/* Deliveries and their attempts as JSON. What a receiver answered was written by a stranger: whatever it holds, what is
 * made of it is valid. */
#include "api/render_delivery.h"

#include <string.h>

#include "base/encoding.h"

void render_delivery(const struct delivery_entry *entry, json_object *object)
{
    const struct delivery *delivery = &entry->delivery;
    char id[DELIVERY_ID_TEXT];
    char subscription_id[OBJECT_ID_TEXT];
    char event_id[OBJECT_ID_TEXT];
    delivery_id_format(&delivery->subscription_id, &delivery->event_id, id);
    object_id_format(&delivery->subscription_id, subscription_id);
    object_id_format(&delivery->event_id, event_id);
    json_out_text(object, "id", id);
    json_out_text(object, "event_id", event_id);
    json_out_text(object, "trace_id", entry->event.trace_id);
    json_out_text(object, "event_name", entry->event.name);
    json_out_text(object, "subscription_id", subscription_id);
    json_out_text(object, "status", delivery_status_name(delivery->status));
    json_out_integer(object, "attempt_count", delivery->attempt_count);
    if (delivery->status == DELIVERY_WAITING)
        json_out_time(object, "next_attempt_at", delivery->next_attempt_at_ms);
    json_out_time(object, "created_at", delivery->created_at_ms);
    json_out_set_time(object, "finished_at", delivery->finished_at_ms);
}

/* ---- response headers ---- */

/* The next line of "Name: value\r\n"…, without its end; false after the last one. */
static bool next_line(struct slice *rest, struct slice *line)
{
    const char *end = rest->length > 0 ? memmem(rest->data, rest->length, "\r\n", 2) : NULL;
    if (end == NULL)
        return false;
    *line = (struct slice){rest->data, (size_t)(end - rest->data)};
    rest->length -= line->length + 2;
    rest->data = end + 2;
    return true;
}

static struct slice trimmed(struct slice text)
{
    for (; text.length > 0 && (*text.data == ' ' || *text.data == '\t'); text.data++)
        text.length--;
    while (text.length > 0 && (text.data[text.length - 1] == ' ' || text.data[text.length - 1] == '\t'))
        text.length--;
    return text;
}

static void lower(struct buf *name)
{
    for (size_t i = 0; i < name->length; i++)
        if (name->data[i] >= 'A' && name->data[i] <= 'Z')
            name->data[i] = (char)(name->data[i] - 'A' + 'a');
}

/* What stands twice is one value, as RFC 9110 section 5.2 has it. */
static void add_header(json_object *headers, struct slice line)
{
    const char *colon = memchr(line.data, ':', line.length);
    if (colon == NULL)
        return;
    size_t name_length = (size_t)(colon - line.data);
    struct slice value = trimmed((struct slice){colon + 1, line.length - name_length - 1});
    struct buf name = {0};
    struct buf joined = {0};
    json_object *former;
    utf8_mend((struct slice){line.data, name_length}, &name);
    lower(&name);
    if (json_object_object_get_ex(headers, buf_text(&name), &former))
        buf_printf(&joined, "%s, ", json_object_get_string(former));
    buf_append_slice(&joined, value);
    json_out_bytes(headers, buf_text(&name), buf_slice(&joined));
    buf_clear(&joined);
    buf_clear(&name);
}

static void render_headers(struct slice text, json_object *attempt)
{
    struct slice line;
    if (text.length == 0)
        return;
    json_object *headers = json_out_object(attempt, "response_headers");
    while (next_line(&text, &line))
        add_header(headers, line);
}

/* ---- attempts ---- */

void render_attempt(const struct attempt *attempt, json_object *array)
{
    json_object *object = json_out_object(array, NULL);
    json_out_integer(object, "number", attempt->number);
    json_out_time(object, "started_at", attempt->started_at_ms);
    json_out_integer(object, "duration_ms", attempt->duration_ms);
    if (attempt->response_status != 0)
        json_out_integer(object, "response_status", attempt->response_status);
    render_headers(buf_slice(&attempt->response_headers), object);
    if (attempt->response_body.length > 0)
        json_out_bytes(object, "response_body", buf_slice(&attempt->response_body));
    if (attempt->error != ATTEMPT_NO_ERROR)
        json_out_text(object, "error", attempt_error_name(attempt->error));
    json_out_integer(object, "signature_count", attempt->signature_count);
}
