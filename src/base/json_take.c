/* Typed members out of what json_scan has found valid and json_in has read. Used for files that come back. */
#include "base/json_take.h"

#include <stdio.h>
#include <string.h>

#include "base/encoding.h"
#include "base/timestamp.h"

struct json_take json_take_from(json_object *object)
{
    return (struct json_take){.object = object};
}

bool json_take_is_ok(const struct json_take *take)
{
    return take->wrong[0] == '\0';
}

void json_take_fail(struct json_take *take, const char *member, const char *why)
{
    if (json_take_is_ok(take))
        snprintf(take->wrong, sizeof take->wrong, "%s %s", member, why);
}

bool json_take_has(const struct json_take *take, const char *member)
{
    json_object *value;
    return json_object_object_get_ex(take->object, member, &value) && value != NULL;
}

/* NULL where there is none, or none of that type. */
static json_object *take_value(struct json_take *take, const char *member, enum json_need need, json_type type)
{
    json_object *value = NULL;
    json_object_object_get_ex(take->object, member, &value);
    if (value == NULL && need == JSON_REQUIRED)
        json_take_fail(take, member, "is missing");
    if (value == NULL || json_object_is_type(value, type))
        return value;
    json_take_fail(take, member, "has the wrong type");
    return NULL;
}

const char *json_take_text(struct json_take *take, const char *member, enum json_need need, size_t most)
{
    json_object *value = take_value(take, member, need, json_type_string);
    if (value == NULL)
        return NULL;
    const char *text = json_object_get_string(value);
    size_t length = (size_t)json_object_get_string_len(value);
    if (length <= most && strlen(text) == length)
        return text;
    json_take_fail(take, member, length > most ? "is too long" : "holds U+0000");
    return NULL;
}

int64_t json_take_integer(struct json_take *take, const char *member, enum json_need need, int64_t least, int64_t most)
{
    json_object *value = take_value(take, member, need, json_type_int);
    int64_t number = value != NULL ? json_object_get_int64(value) : least;
    if (number >= least && number <= most)
        return number;
    json_take_fail(take, member, "is out of range");
    return least;
}

bool json_take_bool(struct json_take *take, const char *member)
{
    json_object *value = take_value(take, member, JSON_OPTIONAL, json_type_boolean);
    return value != NULL && json_object_get_boolean(value);
}

int64_t json_take_time(struct json_take *take, const char *member, enum json_need need)
{
    int64_t time_ms;
    const char *text = json_take_text(take, member, need, TIMESTAMP_SIZE);
    if (text == NULL)
        return 0;
    if (timestamp_parse(text, &time_ms) == STATUS_OK && time_ms >= 0)
        return time_ms;
    json_take_fail(take, member, "is no time");
    return 0;
}

void json_take_hex(struct json_take *take, const char *member, void *out, size_t length)
{
    const char *text = json_take_text(take, member, JSON_REQUIRED, 2 * length);
    if (text != NULL && strlen(text) == 2 * length && hex_decode(text, out, length) == STATUS_OK)
        return;
    json_take_fail(take, member, "is not in the form that it must have");
    memset(out, 0, length);
}

void json_take_uuid(struct json_take *take, const char *member, struct uuid *out)
{
    const char *text = json_take_text(take, member, JSON_REQUIRED, UUID_TEXT);
    if (text != NULL && uuid_parse(text, out) == STATUS_OK)
        return;
    json_take_fail(take, member, "is no UUID");
    *out = (struct uuid){{0}};
}

void json_take_base64(struct json_take *take, const char *member, enum json_need need, struct buf *out)
{
    const char *text = json_take_text(take, member, need, SIZE_MAX);
    if (text == NULL)
        return;
    size_t length = strlen(text), decoded = 0;
    buf_reserve(out, length);
    if (base64_decode(text, length, out->data + out->length, length, &decoded) != STATUS_OK)
        json_take_fail(take, member, "is no base64");
    out->length += decoded;
    out->data[out->length] = '\0';
}

json_object *json_take_container(struct json_take *take, const char *member, enum json_need need, json_type type)
{
    return take_value(take, member, need, type);
}
