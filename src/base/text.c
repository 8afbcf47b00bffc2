/* Texts for people. The guess is for messages about an unknown key, command or option. */
#include "base/text.h"

#include <string.h>

#include "base/encoding.h"

enum { LENGTH_MAX = 40, EDITS_MAX = 2 };

static size_t min_of(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, one row of it at a time. `b` has at most LENGTH_MAX characters. */
static size_t edit_distance(struct slice a, struct slice b)
{
    size_t row[LENGTH_MAX + 1];
    for (size_t j = 0; j <= b.length; j++)
        row[j] = j;
    for (size_t i = 0; i < a.length; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < b.length; j++) {
            size_t replaced = diagonal + (a.data[i] == b.data[j] ? 0 : 1);
            diagonal = row[j + 1];
            row[j + 1] = min_of(replaced, min_of(row[j], diagonal) + 1);
        }
    }
    return row[b.length];
}

struct slice text_nearest(const char *text, struct slice (*name_at)(const void *context, size_t index),
                          const void *context)
{
    struct slice best = {NULL, 0};
    size_t best_distance = EDITS_MAX + 1;
    struct slice typed = slice_of(text);
    struct slice name;
    for (size_t i = 0; typed.length <= LENGTH_MAX && (name = name_at(context, i)).data; i++) {
        size_t distance = edit_distance(name, typed);
        if (distance < best_distance) {
            best_distance = distance;
            best = name;
        }
    }
    return best;
}

const char *text_plural(uint64_t count, const char *one, const char *many)
{
    return count == 1 ? one : many;
}

/* A control character of two bytes is one "?". */
static size_t skipped_size(const char *text, size_t length)
{
    return length > 1 && utf8_is_valid(text, 2) && (unsigned char)text[0] >= 0x80 ? 2 : 1;
}

void text_append_printable(const char *text, struct buf *out)
{
    size_t length = strlen(text);
    while (length > 0) {
        size_t size = utf8_printable_size(text, length);
        buf_append(out, size > 0 ? text : "?", size > 0 ? size : 1);
        size_t taken = size > 0 ? size : skipped_size(text, length);
        text += taken;
        length -= taken;
    }
}

void text_append_shell_word(const char *text, struct buf *out)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_./+-@,:=";
    if (text[0] != '\0' && text[strspn(text, plain)] == '\0') {
        buf_append_text(out, text);
        return;
    }
    buf_append_text(out, "'");
    for (; *text != '\0'; text++)
        buf_append(out, *text == '\'' ? "'\\''" : text, *text == '\'' ? 4 : 1);
    buf_append_text(out, "'");
}
