/* Content-Type (RFC 9110 section 8.3), as far as it matters here. */
#include "api/media_type.h"

#include <string.h>
#include <strings.h>

#include "base/buf.h"

static struct slice trim(const char *start, const char *end)
{
    while (start < end && strchr(" \t", *start) != NULL)
        start++;
    while (end > start && strchr(" \t", end[-1]) != NULL)
        end--;
    return (struct slice){start, (size_t)(end - start)};
}

static bool is_word(struct slice slice, const char *word)
{
    return slice.length == strlen(word) && strncasecmp(slice.data, word, slice.length) == 0;
}

static struct slice unquote(struct slice value)
{
    if (value.length >= 2 && value.data[0] == '"' && value.data[value.length - 1] == '"')
        return (struct slice){value.data + 1, value.length - 2};
    return value;
}

static bool parameter_is_fine(const char *start, const char *end)
{
    const char *equals = memchr(start, '=', (size_t)(end - start));
    if (equals == NULL || !is_word(trim(start, equals), "charset"))
        return true;
    return is_word(unquote(trim(equals + 1, end)), "utf-8");
}

static bool is_media_type(const char *content_type, const char *name)
{
    const char *end = content_type + strcspn(content_type, ";");
    if (!is_word(trim(content_type, end), name))
        return false;
    while (*end == ';') {
        const char *start = end + 1;
        end = start + strcspn(start, ";");
        if (!parameter_is_fine(start, end))
            return false;
    }
    return true;
}

bool media_type_is_json(const char *content_type)
{
    return is_media_type(content_type, "application/json");
}

bool media_type_is_patch(const char *content_type)
{
    return media_type_is_json(content_type) || is_media_type(content_type, "application/merge-patch+json");
}
