/* What json-c leaves to its callers: a look at each allocation, and overwriting what is let go. Whoever
 * answers in JSON builds with it; what was read is overwritten by it. */
#include "base/json_out.h"

#include <inttypes.h>
#include <json-c/json_visit.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/mem.h"
#include "base/timestamp.h"

json_object *json_out_new(void)
{
    return mem_check(json_object_new_object());
}

/* `parent` owns the value from here on. */
static json_object *add(json_object *parent, const char *name, json_object *value)
{
    mem_check(value);
    int result = name != NULL ? json_object_object_add(parent, name, value) : json_object_array_add(parent, value);
    return mem_check(result == 0 ? value : NULL);
}

json_object *json_out_object(json_object *parent, const char *name)
{
    return add(parent, name, json_object_new_object());
}

json_object *json_out_array(json_object *parent, const char *name)
{
    return add(parent, name, json_object_new_array());
}

void json_out_text(json_object *parent, const char *name, const char *text)
{
    add(parent, name, json_object_new_string(text));
}

void json_out_bytes(json_object *parent, const char *name, struct slice bytes)
{
    struct buf text = {0};
    utf8_mend(bytes, &text);
    add(parent, name, json_object_new_string_len(buf_text(&text), (int)text.length));
    buf_clear(&text);
}

void json_out_integer(json_object *parent, const char *name, int64_t value)
{
    add(parent, name, json_object_new_int64(value));
}

void json_out_bool(json_object *parent, const char *name, bool value)
{
    add(parent, name, json_object_new_boolean(value));
}

void json_out_time(json_object *parent, const char *name, int64_t time_ms)
{
    char text[TIMESTAMP_SIZE];
    timestamp_format(time_ms, text);
    json_out_text(parent, name, text);
}

void json_out_set_time(json_object *parent, const char *name, int64_t time_ms)
{
    if (time_ms != 0)
        json_out_time(parent, name, time_ms);
}

/* ---- its text ---- */

/* json-c's own way from value to text passes over memory that it does not get, and the text then lacks a part. */

static void append_escaped(struct buf *out, unsigned char c)
{
    static const char letters[] = "btn?fr"; /* of 8 to 13 */
    if (c == '"' || c == '\\')
        buf_printf(out, "\\%c", c);
    else if (c >= 8 && c <= 13 && c != 11)
        buf_printf(out, "\\%c", letters[c - 8]);
    else
        buf_printf(out, "\\u%04x", c);
}

static void append_string(struct buf *out, const char *text, size_t length)
{
    size_t plain = 0; /* where what was not appended yet begins */
    buf_append(out, "\"", 1);
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        buf_append(out, text + plain, i - plain);
        append_escaped(out, c);
        plain = i + 1;
    }
    buf_append(out, text + plain, length - plain);
    buf_append(out, "\"", 1);
}

static void append_value(struct buf *out, json_object *value);

static void append_object(struct buf *out, json_object *object)
{
    const char *before = "{";
    json_object_object_foreach(object, name, value)
    {
        buf_append_text(out, before);
        append_string(out, name, strlen(name));
        buf_append_text(out, ":");
        append_value(out, value);
        before = ",";
    }
    buf_append_text(out, *before == '{' ? "{}" : "}");
}

static void append_array(struct buf *out, json_object *array)
{
    size_t length = json_object_array_length(array);
    buf_append_text(out, "[");
    for (size_t i = 0; i < length; i++) {
        if (i > 0)
            buf_append_text(out, ",");
        append_value(out, json_object_array_get_idx(array, i));
    }
    buf_append_text(out, "]");
}

/* As deep as what the functions above have put together. */
static void append_value(struct buf *out, json_object *value)
{
    switch (json_object_get_type(value)) {
    case json_type_object:
        append_object(out, value);
        break;
    case json_type_array:
        append_array(out, value);
        break;
    case json_type_string:
        append_string(out, json_object_get_string(value), (size_t)json_object_get_string_len(value));
        break;
    case json_type_int:
        buf_printf(out, "%" PRId64, json_object_get_int64(value));
        break;
    default:
        buf_append_text(out, json_object_get_boolean(value) ? "true" : "false");
    }
}

void json_out_end(json_object *object, struct buf *out)
{
    append_value(out, object);
    json_out_wipe(object);
}

/* ---- the end ---- */

static int wipe_string(json_object *value, int flags, json_object *parent, const char *name, size_t *index,
                       void *context)
{
    (void)flags, (void)parent, (void)name, (void)index, (void)context;
    if (json_object_is_type(value, json_type_string))
        crypto_cleanse((void *)json_object_get_string(value), (size_t)json_object_get_string_len(value));
    return JSON_C_VISIT_RETURN_CONTINUE;
}

void json_out_wipe(json_object *value)
{
    json_c_visit(value, 0, wipe_string, NULL);
    json_object_put(value);
}
