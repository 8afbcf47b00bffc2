/* The leaves of JSON's grammar for json_scan: strings, numbers and words, read at a cursor. */
#ifndef HOOKTURN_BASE_JSON_TEXT_H
#define HOOKTURN_BASE_JSON_TEXT_H

#include <stdbool.h>

#include "base/buf.h"

struct json_cursor {
    const char *at;
    const char *end;
    const char *message; /* static; what is wrong, set where a function returns false */
};

/* Notes what is wrong; false, so that it can be returned. */
bool json_refuse(struct json_cursor *cursor, const char *message);
void json_skip_space(struct json_cursor *cursor);
/* The byte at the cursor, '\0' at the end (which is no JSON either). */
char json_peek(const struct json_cursor *cursor);

/* At an opening quote; ends behind the closing one. Appends the unescaped text to `decoded` (NULL: it is checked only),
 * and sets *is_unclean (never resets it) where it holds U+0000 or a lone surrogate. */
bool json_read_string(struct json_cursor *cursor, struct buf *decoded, bool *is_unclean);
bool json_read_number(struct json_cursor *cursor);
/* "true", "false" or "null". */
bool json_read_word(struct json_cursor *cursor, const char *word);

#endif
