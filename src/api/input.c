/* Typed values from JSON spans. json_scan has found the body to be strictly valid before anything comes here, so what
 * is left is to look at kinds and to unescape texts. The two objects that the API takes are described by tables of
 * fields in input_subscription.c and input_event.c. */
#include "api/input.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"

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

static const char *read_field(const struct json_scan *scan, const struct input_field *field, void *context)
{
    const char *dot = strrchr(field->name, '.');
    const struct json_span *span = json_scan_find(scan, dot != NULL ? dot + 1 : field->name);
    if (span == NULL || span->kind == JSON_NULL)
        return field->is_required ? "is required" : NULL;
    if (span->is_unclean && !field->is_opaque)
        return "must not hold U+0000 or lone surrogates";
    return field->read(context, span);
}

void input_read_fields(const struct json_scan *scan, const struct input_field *fields, size_t count, void *context,
                       struct field_errors *errors)
{
    for (size_t i = 0; i < count; i++) {
        const char *message = read_field(scan, &fields[i], context);
        if (message != NULL)
            field_errors_add(errors, fields[i].name, message);
    }
}

const char *input_bool(const struct json_span *span, bool *out)
{
    if (span->kind != JSON_TRUE && span->kind != JSON_FALSE)
        return "must be true or false";
    *out = span->kind == JSON_TRUE;
    return NULL;
}

const char *input_integer(const struct json_span *span, int64_t min, int64_t max, const char *message, int64_t *out)
{
    char text[24]; /* longer ones are out of every range */
    if (span->kind != JSON_NUMBER || span->value.length >= sizeof text ||
        memchr(span->value.data, '.', span->value.length) != NULL)
        return message;
    memcpy(text, span->value.data, span->value.length);
    text[span->value.length] = '\0';
    char *end = NULL;
    errno = 0;
    long long value = strtoll(text, &end, 10);
    if (*end != '\0' || errno != 0 || value < min || value > max) /* an exponent ends the digits early */
        return message;
    *out = value;
    return NULL;
}

const char *input_text(const struct json_span *span, struct buf *out)
{
    if (span->kind != JSON_STRING)
        return "must be a string";
    struct json_cursor cursor = {.at = span->value.data, .end = span->value.data + span->value.length};
    bool is_unclean = false;
    return json_read_string(&cursor, out, &is_unclean) ? NULL : cursor.message;
}

const char *input_checked_text(const struct json_span *span, input_check check, char **out)
{
    struct buf text;
    buf_init(&text);
    const char *message = input_text(span, &text);
    if (message == NULL && check != NULL)
        message = check(buf_text(&text), text.length);
    if (message == NULL) {
        free(*out);
        *out = mem_strndup(buf_text(&text), text.length);
    }
    buf_clear(&text);
    return message;
}

static const char *add_element(const struct json_span *span, input_check check, struct text_list *out)
{
    char *text = NULL;
    const char *message =
        span->kind == JSON_STRING ? input_checked_text(span, check, &text) : "every element must be a string";
    if (message == NULL)
        text_list_add(out, text, strlen(text));
    free(text);
    return message;
}

const char *input_text_array(const struct json_span *span, size_t max, const char *message, input_check check,
                             struct text_list *out)
{
    struct json_scan scan;
    const char *fault = NULL;
    if (span->kind != JSON_ARRAY)
        return "must be an array of strings";
    if (json_scan(span->value, JSON_MAX_DEPTH, &scan, &fault) != STATUS_OK)
        return fault;
    fault = scan.count > max ? message : NULL;
    for (size_t i = 0; i < scan.count && fault == NULL; i++)
        fault = add_element(&scan.spans[i], check, out);
    json_scan_clear(&scan);
    return fault;
}
