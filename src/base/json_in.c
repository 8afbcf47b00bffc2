/* Reads what json_scan has found valid, with the same leaves; so nothing is wrong here, and nothing is looked at twice.
 */
#include "base/json_in.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/json_text.h"
#include "base/mem.h"

static json_object *read_value(struct json_cursor *cursor);

static void take(struct json_cursor *cursor, char wanted)
{
    assert(json_peek(cursor) == wanted);
    (void)wanted;
    cursor->at++;
    json_skip_space(cursor);
}

/* The caller clears it. */
static struct buf read_text(struct json_cursor *cursor)
{
    struct buf text = {0};
    bool is_unclean = false;
    bool worked = json_read_string(cursor, &text, &is_unclean);
    assert(worked);
    (void)worked;
    return text;
}

static json_object *read_string(struct json_cursor *cursor)
{
    struct buf text = read_text(cursor);
    json_object *value = mem_check(json_object_new_string_len(buf_text(&text), (int)text.length));
    buf_clear(&text);
    return value;
}

static json_object *read_number(struct json_cursor *cursor)
{
    const char *start = cursor->at;
    bool worked = json_read_number(cursor);
    assert(worked);
    (void)worked;
    char *text = slice_dup((struct slice){start, (size_t)(cursor->at - start)});
    bool is_integer = strpbrk(text, ".eE") == NULL;
    json_object *value =
        is_integer ? json_object_new_int64(strtoll(text, NULL, 10)) : json_object_new_double(strtod(text, NULL));
    mem_free_cleansed_text(text);
    return mem_check(value);
}

static json_object *read_word(struct json_cursor *cursor)
{
    static const char *const words[] = {"null", "true", "false"};
    char first = json_peek(cursor);
    const char *word = words[first == 'n' ? 0 : first == 't' ? 1 : 2];
    bool worked = json_read_word(cursor, word);
    assert(worked);
    (void)worked;
    return first == 'n' ? NULL : mem_check(json_object_new_boolean(first == 't'));
}

static json_object *read_object(struct json_cursor *cursor)
{
    json_object *object = mem_check(json_object_new_object());
    take(cursor, '{');
    while (json_peek(cursor) != '}') {
        struct buf name = read_text(cursor);
        json_skip_space(cursor);
        take(cursor, ':');
        bool added = json_object_object_add(object, buf_text(&name), read_value(cursor)) == 0;
        mem_check(added ? object : NULL);
        buf_clear(&name);
        if (json_peek(cursor) == ',')
            take(cursor, ',');
    }
    take(cursor, '}');
    return object;
}

static json_object *read_array(struct json_cursor *cursor)
{
    json_object *array = mem_check(json_object_new_array());
    take(cursor, '[');
    while (json_peek(cursor) != ']') {
        bool added = json_object_array_add(array, read_value(cursor)) == 0;
        mem_check(added ? array : NULL);
        if (json_peek(cursor) == ',')
            take(cursor, ',');
    }
    take(cursor, ']');
    return array;
}

/* Ends behind the value and the space that follows. */
static json_object *read_value(struct json_cursor *cursor)
{
    json_object *value;
    switch (json_peek(cursor)) {
    case '{':
        return read_object(cursor);
    case '[':
        return read_array(cursor);
    case '"':
        value = read_string(cursor);
        break;
    case 'n':
    case 't':
    case 'f':
        value = read_word(cursor);
        break;
    default:
        value = read_number(cursor);
    }
    json_skip_space(cursor);
    return value;
}

json_object *json_in_value(struct slice text)
{
    struct json_cursor cursor = {.at = text.data, .end = text.data + text.length};
    json_skip_space(&cursor);
    return read_value(&cursor);
}
