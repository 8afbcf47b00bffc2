/* From the query's text to the parameters of a table. Lists are the operations that take some. */
#include "api/query.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

struct reader {
    const struct query_field *fields;
    size_t count;
    void *context;
    struct field_errors *errors;
    uint32_t seen; /* a bit for each field */
};

static int hex_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    char lower = c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
    const char *found = lower == '\0' ? NULL : strchr(digits, lower);
    return found == NULL ? -1 : (int)(found - digits);
}

/* The byte that "%XX" stands for at the start of `text`; -1 for a broken escape, and for a NUL. */
static int decode_escape(struct slice text)
{
    if (text.length < 3)
        return -1;
    int high = hex_value(text.data[1]);
    int low = hex_value(text.data[2]);
    return high < 0 || low < 0 || high + low == 0 ? -1 : high * 16 + low;
}

static bool decode(struct slice text, struct buf *out)
{
    for (size_t i = 0; i < text.length; i++) {
        int byte = (unsigned char)text.data[i];
        if (byte == '+') {
            byte = ' ';
        } else if (byte == '%') {
            byte = decode_escape((struct slice){text.data + i, text.length - i});
            i += 2;
        }
        if (byte < 0)
            return false;
        buf_append(out, &(char){(char)byte}, 1);
    }
    return true;
}

static const struct query_field *find_field(const struct reader *reader, struct slice name)
{
    struct buf decoded = {0};
    const struct query_field *found = NULL;
    if (decode(name, &decoded))
        for (size_t i = 0; i < reader->count && found == NULL; i++)
            if (slice_equals(buf_slice(&decoded), reader->fields[i].name))
                found = &reader->fields[i];
    buf_clear(&decoded);
    return found;
}

static const char *read_value(struct reader *reader, const struct query_field *field, struct slice value)
{
    uint32_t bit = UINT32_C(1) << (field - reader->fields);
    if (reader->seen & bit)
        return "must not be given twice";
    reader->seen |= bit;
    struct buf decoded = {0};
    const char *message =
        decode(value, &decoded) ? field->read(reader->context, buf_text(&decoded)) : "has a broken percent-encoding";
    buf_clear(&decoded);
    return message;
}

static void read_pair(struct reader *reader, struct slice pair)
{
    const char *equals = pair.length > 0 ? memchr(pair.data, '=', pair.length) : NULL;
    size_t name_length = equals != NULL ? (size_t)(equals - pair.data) : pair.length;
    size_t value_at = equals != NULL ? name_length + 1 : pair.length;
    const struct query_field *field = find_field(reader, (struct slice){pair.data, name_length});
    if (field == NULL)
        return;
    const char *message = read_value(reader, field, (struct slice){pair.data + value_at, pair.length - value_at});
    if (message != NULL)
        field_errors_add(reader->errors, field->name, message);
}

void query_read(const char *query, const struct query_field *fields, size_t count, void *context,
                struct field_errors *errors)
{
    assert(count <= 32);
    struct reader reader = {fields, count, context, errors, 0};
    for (const char *at = query; *at != '\0';) {
        size_t length = strcspn(at, "&");
        read_pair(&reader, (struct slice){at, length});
        at += length + (at[length] == '&');
    }
    for (size_t i = 0; i < count; i++)
        if (fields[i].is_required && (reader.seen & UINT32_C(1) << i) == 0)
            field_errors_add(errors, fields[i].name, "is required");
}
