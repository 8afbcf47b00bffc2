/* What json-c leaves to its callers: a look at each allocation, and overwriting what is let go. Whoever
 * answers in JSON builds with it; what was read is overwritten by it. */
#include "base/json_out.h"

#include <json-c/json_visit.h>

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

void json_out_end(json_object *object, struct buf *out)
{
    size_t length = 0;
    const char *text = mem_check((void *)json_object_to_json_string_length(
        object, JSON_C_TO_STRING_PLAIN | JSON_C_TO_STRING_NOSLASHESCAPE, &length));
    buf_append(out, text, length);
    crypto_cleanse((void *)text, length);
    json_out_wipe(object);
}

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
