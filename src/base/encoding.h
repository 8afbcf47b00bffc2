/* Hex (lower case), base64 (RFC 4648 section 4 with padding; section 5 without), UTF-8 (RFC 3629). */
#ifndef HOOKTURN_BASE_ENCODING_H
#define HOOKTURN_BASE_ENCODING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"

/* Writes 2 * length digits and a NUL. */
void hex_encode(const void *bytes, size_t length, char *out);
/* Reads exactly 2 * length lower-case digits from `text` (which may go on behind them). */
enum status hex_decode(const char *text, void *out, size_t length) MUST_USE;

#define BASE64_SIZE(length) (((length) + 2) / 3 * 4 + 1)
/* Writes BASE64_SIZE(length) bytes at most, NUL included. */
void base64_encode(const void *bytes, size_t length, char *out);
void base64url_encode(const void *bytes, size_t length, char *out);
/* Strict: padding required, no spaces, no stray bits. `out` has `capacity` bytes; *out_length is set. */
enum status base64_decode(const char *text, size_t text_length, void *out, size_t capacity,
                          size_t *out_length) MUST_USE;
/* Likewise, but of the other alphabet and without padding. */
enum status base64url_decode(const char *text, size_t text_length, void *out, size_t capacity,
                             size_t *out_length) MUST_USE;

/* No overlong forms, no surrogates, nothing above U+10FFFF. */
bool utf8_is_valid(const char *text, size_t length);
/* Appends the bytes with U+FFFD in place of each that belongs to no code point. */
void utf8_mend(struct slice bytes, struct buf *out);
/* Code points in valid UTF-8. */
size_t utf8_length(const char *text, size_t length);
/* Nothing but white space (ASCII's and Unicode's White_Space), or empty. `text` is valid UTF-8. */
bool utf8_is_blank(const char *text, size_t length);
/* The bytes of the character at the start of `text`; 0 where it is not valid UTF-8, or a terminal would act on it (C0,
 * DEL, C1), or `length` is 0. */
size_t utf8_printable_size(const char *text, size_t length);

#endif
