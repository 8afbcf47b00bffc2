/* Identifiers: made from time and randomness, compared as bytes, written as hex. */
#include "base/id.h"

#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/crypto.h"
#include "base/encoding.h"

enum { TIME_BYTES = 6 };

void object_id_format(const struct object_id *id, char *out)
{
    hex_encode(id->bytes, sizeof id->bytes, out);
}

enum status object_id_parse(const char *text, struct object_id *out)
{
    if (strlen(text) != OBJECT_ID_TEXT - 1)
        return STATUS_INVALID;
    return hex_decode(text, out->bytes, sizeof out->bytes);
}

static void put_time(unsigned char *out, int64_t now_ms)
{
    for (int i = 0; i < TIME_BYTES; i++)
        out[i] = (unsigned char)((uint64_t)now_ms >> (8 * (TIME_BYTES - 1 - i)));
}

void object_id_make(int64_t now_ms, struct object_id *out)
{
    put_time(out->bytes, now_ms);
    crypto_random(out->bytes + TIME_BYTES, OBJECT_ID_BYTES - TIME_BYTES);
}

enum { MICROS_MAX = 1023 };

/* By now the millisecond may be over: then it is all the way through. */
static unsigned micros_into(int64_t now_ms)
{
    int64_t now_us = clock_now_us();
    if (now_us / 1000 != now_ms)
        return now_us / 1000 > now_ms ? MICROS_MAX : 0;
    return (unsigned)(now_us % 1000);
}

void object_id_make_lane(unsigned lane, int64_t now_ms, struct object_id *out)
{
    assert(lane < OBJECT_ID_LANES);
    unsigned char *rest = out->bytes + 1 + TIME_BYTES;
    unsigned micros = micros_into(now_ms);
    out->bytes[0] = (unsigned char)lane;
    put_time(out->bytes + 1, now_ms);
    crypto_random(rest, OBJECT_ID_BYTES - 1 - TIME_BYTES);
    rest[0] = (unsigned char)(micros >> 2);
    rest[1] = (unsigned char)((micros & 3) << 6 | (rest[1] & 0x3f));
}

void object_id_increment(struct object_id *id)
{
    for (int i = OBJECT_ID_BYTES - 1; i >= 0; i--)
        if (++id->bytes[i] != 0)
            return;
}

int object_id_compare(const struct object_id *a, const struct object_id *b)
{
    return memcmp(a->bytes, b->bytes, sizeof a->bytes);
}

int object_id_compare_time(const struct object_id *a, const struct object_id *b)
{
    int order = memcmp(a->bytes + 1, b->bytes + 1, OBJECT_ID_BYTES - 1);
    return order != 0 ? order : a->bytes[0] - b->bytes[0];
}

int64_t object_id_lane_time_ms(const struct object_id *id)
{
    int64_t time_ms = 0;
    for (size_t i = 1; i <= TIME_BYTES; i++)
        time_ms = time_ms << 8 | id->bytes[i];
    return time_ms;
}

/* Where the groups of the 8-4-4-4-12 form begin, in bytes. */
static bool dash_stands_before(int byte)
{
    return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(const struct uuid *uuid, char *out)
{
    for (int i = 0; i < UUID_BYTES; i++) {
        if (dash_stands_before(i))
            *out++ = '-';
        hex_encode(&uuid->bytes[i], 1, out); /* its NUL is overwritten by the next one */
        out += 2;
    }
}

static char lower_case(char c)
{
    return c >= 'A' && c <= 'F' ? (char)(c - 'A' + 'a') : c;
}

enum status uuid_parse(const char *text, struct uuid *out)
{
    struct uuid parsed;
    if (strlen(text) != UUID_TEXT - 1)
        return STATUS_INVALID;
    for (int i = 0; i < UUID_BYTES; i++) {
        if (dash_stands_before(i) && *text++ != '-')
            return STATUS_INVALID;
        const char digits[2] = {lower_case(text[0]), lower_case(text[1])};
        if (hex_decode(digits, &parsed.bytes[i], 1) != STATUS_OK)
            return STATUS_INVALID;
        text += 2;
    }
    *out = parsed;
    return STATUS_OK;
}

void uuid_make(struct uuid *out)
{
    crypto_random(out->bytes, sizeof out->bytes);
    out->bytes[6] = (unsigned char)((out->bytes[6] & 0x0f) | 0x40); /* version 4 */
    out->bytes[8] = (unsigned char)((out->bytes[8] & 0x3f) | 0x80); /* the variant of RFC 9562 */
}
