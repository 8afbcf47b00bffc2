/* Strings, numbers and words of RFC 8259. The text as a whole is known to be valid UTF-8 before it comes here. */
#include "base/json_text.h"

#include <stdint.h>
#include <string.h>

bool json_refuse(struct json_cursor *cursor, const char *message)
{
    cursor->message = message;
    return false;
}

char json_peek(const struct json_cursor *cursor)
{
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

void json_skip_space(struct json_cursor *cursor)
{
    while (cursor->at < cursor->end &&
           (*cursor->at == ' ' || *cursor->at == '\n' || *cursor->at == '\r' || *cursor->at == '\t')) {
        cursor->at++;
    }
}

static bool take(struct json_cursor *cursor, char wanted)
{
    if (cursor->at == cursor->end || *cursor->at != wanted) {
        return false;
    }
    cursor->at++;
    return true;
}

/* Ends behind the digits. False where there is none. */
static bool take_digits(struct json_cursor *cursor)
{
    const char *start = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9') {
        cursor->at++;
    }
    return cursor->at > start;
}

bool json_read_number(struct json_cursor *cursor)
{
    static const char fault[] = "the JSON is not valid: it holds a malformed number";
    take(cursor, '-');
    if (!take(cursor, '0') && !take_digits(cursor)) {
        return json_refuse(cursor, fault);
    }
    if (take(cursor, '.') && !take_digits(cursor)) {
        return json_refuse(cursor, fault);
    }
    if (take(cursor, 'e') || take(cursor, 'E')) {
        if (!take(cursor, '+')) {
            take(cursor, '-');
        }
        if (!take_digits(cursor)) {
            return json_refuse(cursor, fault);
        }
    }
    return true;
}

bool json_read_word(struct json_cursor *cursor, const char *word)
{
    size_t length = strlen(word);
    if ((size_t)(cursor->end - cursor->at) < length || memcmp(cursor->at, word, length) != 0) {
        return json_refuse(cursor, "the JSON is not valid: it holds a word other than true, false and null");
    }
    cursor->at += length;
    return true;
}

/* `\uXXXX` at `at`: its number, or -1. */
static int32_t read_unicode_escape(const char *at, const char *end)
{
    if (end - at < 6 || at[0] != '\\' || at[1] != 'u') {
        return -1;
    }
    int32_t number = 0;
    for (int i = 2; i < 6; i++) {
        char c = at[i];
        int digit = c >= '0' && c <= '9'   ? c - '0'
                    : c >= 'a' && c <= 'f' ? c - 'a' + 10
                    : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                           : -1;
        if (digit < 0) {
            return -1;
        }
        number = number * 16 + digit;
    }
    return number;
}

static void append_utf8(struct buf *out, uint32_t point)
{
    char bytes[4];
    size_t length = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = {0, 0, 0xc0, 0xe0, 0xf0};
    for (size_t i = length - 1; i > 0; i--) {
        bytes[i] = (char)(0x80 | (point & 0x3f));
        point >>= 6;
    }
    bytes[0] = (char)(lead[length] | point);
    buf_append(out, bytes, length);
}

static bool is_high_surrogate(int32_t number)
{
    return number >= 0xd800 && number <= 0xdbff;
}

static bool is_low_surrogate(int32_t number)
{
    return number >= 0xdc00 && number <= 0xdfff;
}

/* `\uXXXX`, or two of them that are a surrogate pair. A lone surrogate is decoded as U+FFFD. */
static bool read_unicode(struct json_cursor *cursor, struct buf *decoded, bool *is_unclean)
{
    int32_t number = read_unicode_escape(cursor->at, cursor->end);
    if (number < 0) {
        return json_refuse(cursor, "the JSON is not valid: \\u must be followed by four hex digits");
    }
    cursor->at += 6;
    int32_t low = is_high_surrogate(number) ? read_unicode_escape(cursor->at, cursor->end) : -1;
    if (is_low_surrogate(low)) {
        cursor->at += 6;
        number = 0x10000 + ((number - 0xd800) << 10) + (low - 0xdc00);
    } else if (number == 0 || is_high_surrogate(number) || is_low_surrogate(number)) {
        *is_unclean = true;
        number = number == 0 ? 0 : 0xfffd;
    }
    if (decoded != NULL) {
        append_utf8(decoded, (uint32_t)number);
    }
    return true;
}

static bool read_escape(struct json_cursor *cursor, struct buf *decoded, bool *is_unclean)
{
    static const char letters[] = "\"\\/bfnrt";
    static const char meanings[] = "\"\\/\b\f\n\r\t";
    char letter = cursor->end - cursor->at < 2 ? '\0' : cursor->at[1];
    if (letter == 'u') {
        return read_unicode(cursor, decoded, is_unclean);
    }
    const char *found = letter == '\0' ? NULL : strchr(letters, letter);
    if (found == NULL) {
        return json_refuse(cursor, "the JSON is not valid: a string holds an unknown escape");
    }
    cursor->at += 2;
    if (decoded != NULL) {
        buf_append(decoded, &meanings[found - letters], 1);
    }
    return true;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= ' ' && c != '"' && c != '\\';
}

bool json_read_string(struct json_cursor *cursor, struct buf *decoded, bool *is_unclean)
{
    cursor->at++;
    for (;;) {
        const char *run = cursor->at;
        while (cursor->at < cursor->end && is_plain(*cursor->at)) {
            cursor->at++;
        }
        if (decoded != NULL && cursor->at > run) {
            buf_append(decoded, run, (size_t)(cursor->at - run));
        }
        if (cursor->at == cursor->end) {
            return json_refuse(cursor, "the JSON is not valid: a string does not end");
        }
        if (take(cursor, '"')) {
            return true;
        }
        if (*cursor->at != '\\') {
            return json_refuse(cursor, "the JSON is not valid: control characters in strings must be escaped");
        }
        if (!read_escape(cursor, decoded, is_unclean)) {
            return false;
        }
    }
}
