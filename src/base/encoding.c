/* Hex, base64 and UTF-8, strictly by their RFCs: what is read comes from outside or from disk. */
#include "base/encoding.h"

#include <string.h>

static const char hex_digits[] = "0123456789abcdef";
static const char base64_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
static const char base64url_digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

void hex_encode(const void *bytes, size_t length, char *out)
{
    const unsigned char *in = bytes;
    for (size_t i = 0; i < length; i++) {
        *out++ = hex_digits[in[i] >> 4];
        *out++ = hex_digits[in[i] & 15];
    }
    *out = '\0';
}

/* The digit's value in `alphabet`, -1 where it is none. */
static int digit_value(const char *alphabet, char digit)
{
    const char *found = digit == '\0' ? NULL : strchr(alphabet, digit);
    return found ? (int)(found - alphabet) : -1;
}

enum status hex_decode(const char *text, void *out, size_t length)
{
    unsigned char *bytes = out;
    for (size_t i = 0; i < length; i++) {
        int high = digit_value(hex_digits, *text++);
        int low = high < 0 ? -1 : digit_value(hex_digits, *text++);
        if (low < 0)
            return STATUS_INVALID;
        bytes[i] = (unsigned char)(high << 4 | low);
    }
    return STATUS_OK;
}

/* `padding` 0: none. */
static void encode64(const char *alphabet, char padding, const unsigned char *in, size_t length, char *out)
{
    for (; length >= 3; in += 3, length -= 3) {
        *out++ = alphabet[in[0] >> 2];
        *out++ = alphabet[(in[0] & 3) << 4 | in[1] >> 4];
        *out++ = alphabet[(in[1] & 15) << 2 | in[2] >> 6];
        *out++ = alphabet[in[2] & 63];
    }
    if (length > 0) {
        unsigned second = length == 2 ? in[1] : 0u;
        *out++ = alphabet[in[0] >> 2];
        *out++ = alphabet[(in[0] & 3u) << 4 | second >> 4];
        if (length == 2)
            *out++ = alphabet[(second & 15) << 2];
        else if (padding)
            *out++ = padding;
        if (padding)
            *out++ = padding;
    }
    *out = '\0';
}

void base64_encode(const void *bytes, size_t length, char *out)
{
    encode64(base64_digits, '=', bytes, length, out);
}

void base64url_encode(const void *bytes, size_t length, char *out)
{
    encode64(base64url_digits, 0, bytes, length, out);
}

/* `count` digits, without padding. */
static enum status decode64(const char *digits, const char *text, size_t count, void *out, size_t capacity,
                            size_t *out_length)
{
    unsigned char *bytes = out;
    size_t rest = count % 4;
    size_t length = count / 4 * 3 + rest * 3 / 4;
    if (rest == 1 || length > capacity)
        return STATUS_INVALID;
    unsigned bits = 0;
    size_t done = 0;
    for (size_t i = 0; i < count; i++) {
        int value = digit_value(digits, text[i]);
        if (value < 0)
            return STATUS_INVALID;
        bits = bits << 6 | (unsigned)value;
        if (i % 4 != 0) /* the first digit of four completes no byte, each other one does */
            bytes[done++] = (unsigned char)(bits >> (6 - i % 4 * 2));
    }
    unsigned stray_mask = rest == 2 ? 15 : rest == 3 ? 3 : 0;
    if (bits & stray_mask)
        return STATUS_INVALID;
    *out_length = length;
    return STATUS_OK;
}

static size_t count_padding(const char *text, size_t length)
{
    if (length < 4 || text[length - 1] != '=')
        return 0;
    return text[length - 2] == '=' ? 2 : 1;
}

enum status base64_decode(const char *text, size_t text_length, void *out, size_t capacity, size_t *out_length)
{
    if (text_length % 4 != 0)
        return STATUS_INVALID;
    return decode64(base64_digits, text, text_length - count_padding(text, text_length), out, capacity, out_length);
}

enum status base64url_decode(const char *text, size_t text_length, void *out, size_t capacity, size_t *out_length)
{
    return decode64(base64url_digits, text, text_length, out, capacity, out_length);
}

/* What may follow a lead byte: how many bytes, and the range of the first of them (the others are 80 to BF). That
 * range is what keeps overlong forms, surrogates and everything above U+10FFFF out (RFC 3629 section 4). */
static const struct lead {
    unsigned char first, last;
    unsigned char followers, low, high;
} leads[] = {
    {0x00, 0x7f, 0, 0, 0},       {0xc2, 0xdf, 1, 0x80, 0xbf}, {0xe0, 0xe0, 2, 0xa0, 0xbf},
    {0xe1, 0xec, 2, 0x80, 0xbf}, {0xed, 0xed, 2, 0x80, 0x9f}, {0xee, 0xef, 2, 0x80, 0xbf},
    {0xf0, 0xf0, 3, 0x90, 0xbf}, {0xf1, 0xf3, 3, 0x80, 0xbf}, {0xf4, 0xf4, 3, 0x80, 0x8f},
};

static const struct lead *find_lead(unsigned char byte)
{
    for (size_t i = 0; i < sizeof leads / sizeof leads[0]; i++)
        if (byte >= leads[i].first && byte <= leads[i].last)
            return &leads[i];
    return NULL;
}

/* The bytes of the code point at the start of `text`, 0 where there is no valid one. */
static size_t code_point_size(const unsigned char *text, size_t length)
{
    const struct lead *lead = find_lead(text[0]);
    if (!lead || lead->followers >= length)
        return 0;
    if (lead->followers > 0 && (text[1] < lead->low || text[1] > lead->high))
        return 0;
    for (size_t i = 2; i <= lead->followers; i++)
        if ((text[i] & 0xc0) != 0x80)
            return 0;
    return lead->followers + 1u;
}

bool utf8_is_valid(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    for (size_t i = 0, size; i < length; i += size) {
        size = code_point_size(bytes + i, length - i);
        if (size == 0)
            return false;
    }
    return true;
}

size_t utf8_printable_size(const char *text, size_t length)
{
    const unsigned char *bytes = (const unsigned char *)text;
    size_t size = length > 0 ? code_point_size(bytes, length) : 0;
    bool is_c1 = size == 2 && bytes[0] == 0xc2 && bytes[1] < 0xa0;
    return size > 0 && (bytes[0] < 0x20 || bytes[0] == 0x7f || is_c1) ? 0 : size;
}

void utf8_mend(struct slice bytes, struct buf *out)
{
    static const char replacement[] = "\xef\xbf\xbd";
    for (size_t i = 0; i < bytes.length;) {
        size_t size = code_point_size((const unsigned char *)bytes.data + i, bytes.length - i);
        if (size > 0)
            buf_append(out, bytes.data + i, size);
        else
            buf_append_text(out, replacement);
        i += size > 0 ? size : 1;
    }
}

size_t utf8_length(const char *text, size_t length)
{
    size_t count = 0;
    for (size_t i = 0; i < length; i++)
        count += ((unsigned char)text[i] & 0xc0) != 0x80;
    return count;
}

/* Unicode's White_Space property, in UTF-8. */
static const char *const white_space[] = {
    "\t",           "\n",           "\v",           "\f",           "\r",           " ",
    "\xc2\x85",     "\xc2\xa0",     "\xe1\x9a\x80", "\xe2\x80\x80", "\xe2\x80\x81", "\xe2\x80\x82",
    "\xe2\x80\x83", "\xe2\x80\x84", "\xe2\x80\x85", "\xe2\x80\x86", "\xe2\x80\x87", "\xe2\x80\x88",
    "\xe2\x80\x89", "\xe2\x80\x8a", "\xe2\x80\xa8", "\xe2\x80\xa9", "\xe2\x80\xaf", "\xe2\x81\x9f",
    "\xe3\x80\x80",
};

/* The bytes of the white space at the start of `text`, 0 where there is none. */
static size_t white_space_size(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof white_space / sizeof white_space[0]; i++) {
        size_t size = strlen(white_space[i]);
        if (size <= length && memcmp(text, white_space[i], size) == 0)
            return size;
    }
    return 0;
}

bool utf8_is_blank(const char *text, size_t length)
{
    for (size_t i = 0, size; i < length; i += size) {
        size = white_space_size(text + i, length - i);
        if (size == 0)
            return false;
    }
    return true;
}
