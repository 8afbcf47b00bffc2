/* Texts for people: guessing what somebody meant to type, showing what somebody else wrote, what to type next,
 * and how many. */
#ifndef HOOKTURN_BASE_TEXT_H
#define HOOKTURN_BASE_TEXT_H

#include <stdint.h>

#include "base/buf.h"

/* The name within two edits (a character more, less or another) of `text`, the first of the nearest; without data where
 * there is none. `name_at` gives the names by index; behind the last one without data. */
struct slice text_nearest(const char *text, struct slice (*name_at)(const void *context, size_t index),
                          const void *context);
/* `one` for 1, else `many`. */
const char *text_plural(uint64_t count, const char *one, const char *many);
/* Appends the text with "?" for what would act on a terminal or end a line (C0, DEL, C1), and for each byte that is not
 * valid UTF-8. */
void text_append_printable(const char *text, struct buf *out);
/* Appends the text as one word of a shell's command line, without quotes where none are needed. */
void text_append_shell_word(const char *text, struct buf *out);

#endif
