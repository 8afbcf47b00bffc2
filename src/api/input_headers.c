/* The member `headers`, for a whole subscription (which begins with none) and for a patch alike. */
#include "api/input_headers.h"

#include <string.h>

#include "api/input.h"
#include "base/buf.h"
#include "model/subscription_check.h"

struct merge {
    json_object *map;
    struct header_list result;
    struct field_errors *errors;
};

static void add_error(struct merge *merge, const char *name, const char *message)
{
    struct buf field;
    buf_init(&field);
    buf_printf(&field, "headers.%s", name);
    field_errors_add(merge->errors, buf_text(&field), message);
    buf_clear(&field);
}

static void add_value(struct merge *merge, const char *name, json_object *value)
{
    struct slice text;
    const char *message = input_text(value, &text);
    if (message == NULL)
        message = check_header_value(text.data, text.length);
    if (message == NULL)
        header_list_add(&merge->result, name, text.data);
    else
        add_error(merge, name, message);
}

static void merge_present(struct merge *merge, const struct header *present)
{
    json_object *value;
    if (!json_object_object_get_ex(merge->map, present->name, &value))
        header_list_add(&merge->result, present->name, present->value);
    else if (value != NULL)
        add_value(merge, present->name, value);
}

static bool has(const struct header_list *headers, const char *name)
{
    for (size_t i = 0; i < headers->count; i++)
        if (strcmp(headers->items[i].name, name) == 0)
            return true;
    return false;
}

static void merge_new(struct merge *merge, const char *name, json_object *value)
{
    const char *message = check_header_name(name, strlen(name));
    if (message == NULL)
        add_value(merge, name, value);
    else
        add_error(merge, name, message);
}

static size_t count_values(json_object *map)
{
    size_t count = 0;
    json_object_object_foreach(map, name, value)
    {
        (void)name;
        count += value != NULL;
    }
    return count;
}

static void merge_all(struct merge *merge, const struct header_list *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        merge_present(merge, &headers->items[i]);
    json_object_object_foreach(merge->map, name, value)
    {
        if (value != NULL && !has(headers, name))
            merge_new(merge, name, value);
    }
}

/* The number comes first: it bounds the work and the errors. */
const char *input_headers(json_object *map, struct header_list *headers, struct field_errors *errors)
{
    if (count_values(map) > HEADERS_MAX)
        return "there must be at most 50 headers";
    struct merge merge = {.map = map, .errors = errors};
    merge_all(&merge, headers);
    header_list_clear(headers);
    *headers = merge.result;
    return check_headers(headers);
}
