/* Typed values from the members of a body. json_scan has found the body as a whole to be strictly valid before anything
 * comes here; the members that are interpreted are then read, each from its span, and what is left is to look at
 * types. The two objects that the API takes are described by tables of fields in input_subscription.c and
 * input_event.c. */
#include "api/input.h"

#include <string.h>

#include "base/json_in.h"
#include "base/json_out.h"
#include "base/mem.h"

/* More than any member may have. What json-c makes of a value takes many times its text's memory; this bounds it. */
enum { INPUT_VALUES_MAX = 4096 };

const char *input_scan(struct slice body, struct json_scan *out)
{
    const char *message = NULL;
    if (json_scan(body, JSON_MAX_DEPTH, out, &message) != STATUS_OK)
        return message;
    if (out->kind == JSON_OBJECT)
        return NULL;
    json_scan_clear(out);
    return "the body must be a JSON object";
}

/* A member that is interpreted takes much more memory than text; no valid one comes near this. */
enum { INTERPRETED_MAX_BYTES = 1 << 20 };

static const char *own_name(const struct input_field *field)
{
    const char *dot = strrchr(field->name, '.');
    return dot != NULL ? dot + 1 : field->name;
}

static const char *left_out(const struct input_field *field)
{
    return field->is_required ? "is required" : NULL;
}

static const char *take_null(const struct input_field *field, void *context)
{
    if (field->reset != NULL)
        field->reset(context);
    return left_out(field);
}

static const char *read_field(const struct json_span *span, const struct input_field *field, enum input_mode mode,
                              void *context)
{
    if (span == NULL)
        return mode == INPUT_WHOLE ? left_out(field) : NULL;
    if (span->kind == JSON_NULL)
        return take_null(field, context);
    if (field->is_opaque)
        return field->read(context, &(struct input_member){span, NULL});
    if (span->value_count > INPUT_VALUES_MAX)
        return "holds more values than any that is allowed";
    if (span->is_unclean)
        return "must not hold U+0000 or lone surrogates";
    if (span->value.length > INTERPRETED_MAX_BYTES)
        return "must have at most 1 MiB";
    json_object *value = json_in_value(span->value);
    const char *message = field->read(context, &(struct input_member){span, value});
    json_out_wipe(value);
    return message;
}

void input_read_fields(const struct json_scan *scan, const struct input_field *fields, size_t count,
                       enum input_mode mode, void *context, struct field_errors *errors)
{
    for (size_t i = 0; i < count; i++) {
        const struct json_span *span = json_scan_find(scan, own_name(&fields[i]));
        const char *message = read_field(span, &fields[i], mode, context);
        if (message != NULL)
            field_errors_add(errors, fields[i].name, message);
    }
}

static const char *read_member(json_object *object, const struct input_field *field, void *context)
{
    json_object *value;
    if (!json_object_object_get_ex(object, own_name(field), &value))
        return NULL;
    return value == NULL ? take_null(field, context) : field->read(context, &(struct input_member){NULL, value});
}

void input_read_members(json_object *object, const struct input_field *fields, size_t count, void *context,
                        struct field_errors *errors)
{
    for (size_t i = 0; i < count; i++) {
        const char *message = read_member(object, &fields[i], context);
        if (message != NULL)
            field_errors_add(errors, fields[i].name, message);
    }
}

const char *input_bool(json_object *value, bool *out)
{
    if (!json_object_is_type(value, json_type_boolean))
        return "must be true or false";
    *out = json_object_get_boolean(value);
    return NULL;
}

/* 15000.0 and 1.5e4 are the integer 15000, as JSON Schema has it; bounds are small enough for a double to be exact.
 * What is too large for an int64_t reads as the nearest that is one. */
const char *input_integer(json_object *value, int64_t min, int64_t max, const char *message, int64_t *out)
{
    if (!json_object_is_type(value, json_type_int) && !json_object_is_type(value, json_type_double))
        return message;
    double number = json_object_get_double(value);
    if (!(number >= (double)min && number <= (double)max) || number != (double)(int64_t)number)
        return message;
    *out = (int64_t)number;
    return NULL;
}

const char *input_text(json_object *value, struct slice *out)
{
    if (!json_object_is_type(value, json_type_string))
        return "must be a string";
    *out = (struct slice){json_object_get_string(value), (size_t)json_object_get_string_len(value)};
    return NULL;
}

const char *input_checked_text(json_object *value, input_check check, char **out)
{
    struct slice text;
    const char *message = input_text(value, &text);
    if (message == NULL)
        message = check(text.data, text.length);
    if (message == NULL) {
        mem_free_cleansed_text(*out);
        *out = slice_dup(text);
    }
    return message;
}

static const char *add_element(json_object *element, input_check check, struct text_list *out)
{
    struct slice text;
    if (input_text(element, &text) != NULL)
        return "every element must be a string";
    const char *message = check(text.data, text.length);
    if (message == NULL)
        text_list_add(out, text.data, text.length);
    return message;
}

const char *input_text_array(json_object *value, size_t max, const char *message, input_check check,
                             struct text_list *out)
{
    if (!json_object_is_type(value, json_type_array))
        return "must be an array of strings";
    size_t count = json_object_array_length(value);
    const char *fault = count > max ? message : NULL;
    for (size_t i = 0; i < count && fault == NULL; i++)
        fault = add_element(json_object_array_get_idx(value, i), check, out);
    return fault;
}
