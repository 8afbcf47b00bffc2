/* Records that were not written by us, or not lately: refused for what they are, and without harm. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "record_samples.h"

/* The kinds behind one face. */

static void encode_api_key(struct buf *out)
{
    struct api_key key;
    make_api_key(&key);
    api_key_encode(&key, out);
    api_key_clear(&key);
}

static enum status decode_api_key(struct slice bytes)
{
    struct api_key key = {0};
    enum status status = api_key_decode(bytes, &key);
    api_key_clear(&key);
    return status;
}

static void encode_subscription(struct buf *out)
{
    struct subscription subscription;
    make_subscription(&subscription);
    subscription_encode(&subscription, out);
    subscription_clear(&subscription);
}

static enum status decode_subscription(struct slice bytes)
{
    struct subscription subscription = {0};
    enum status status = subscription_decode(bytes, &subscription);
    subscription_clear(&subscription);
    return status;
}

static void encode_event(struct buf *out)
{
    struct event event;
    make_event(&event);
    event_encode(&event, out);
    event_clear(&event);
}

static enum status decode_event(struct slice bytes)
{
    struct event event = {0};
    enum status status = event_decode(bytes, &event);
    event_clear(&event);
    return status;
}

static void encode_delivery(struct buf *out)
{
    delivery_encode(&whole_delivery, out);
}

static enum status decode_delivery(struct slice bytes)
{
    struct delivery delivery = {0};
    return delivery_decode(bytes, &delivery);
}

static void encode_attempt(struct buf *out)
{
    struct attempt attempt;
    make_attempt(&attempt);
    attempt_encode(&attempt, out);
    attempt_clear(&attempt);
}

static enum status decode_attempt(struct slice bytes)
{
    struct attempt attempt = {0};
    enum status status = attempt_decode(bytes, &attempt);
    attempt_clear(&attempt);
    return status;
}

static void encode_probe(struct buf *out)
{
    probe_encode(&whole_probe, out);
}

static enum status decode_probe(struct slice bytes)
{
    struct probe probe = {0};
    return probe_decode(bytes, &probe);
}

static const struct kind {
    void (*encode)(struct buf *out);
    enum status (*decode)(struct slice bytes);
    char version; /* the newest */
} kinds[] = {
    {encode_api_key, decode_api_key, 1}, {encode_subscription, decode_subscription, 2},
    {encode_event, decode_event, 1},     {encode_delivery, decode_delivery, 2},
    {encode_attempt, decode_attempt, 1}, {encode_probe, decode_probe, 1},
};
enum { KINDS = sizeof kinds / sizeof kinds[0] };

/* In memory of exactly that size, so that a sanitizer sees each byte that is read beyond it. */
static enum status decode_exact(const struct kind *kind, const void *bytes, size_t length)
{
    char *exact = malloc(length ? length : 1);
    assert_non_null(exact);
    memcpy(exact, bytes, length);
    enum status status = kind->decode((struct slice){exact, length});
    free(exact);
    return status;
}

static void every_kind_is_read_back(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct buf bytes = {0};
        kinds[i].encode(&bytes);
        assert_int_equal(bytes.data[0], kinds[i].version);
        assert_int_equal(kinds[i].decode(buf_slice(&bytes)), STATUS_OK);
        buf_clear(&bytes);
    }
}

static void every_cut_and_every_trailing_byte_is_corrupt(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct buf bytes = {0};
        kinds[i].encode(&bytes);
        for (size_t length = 0; length < bytes.length; length++)
            assert_int_equal(decode_exact(&kinds[i], bytes.data, length), STATUS_CORRUPT);
        buf_append(&bytes, "", 1);
        assert_int_equal(decode_exact(&kinds[i], bytes.data, bytes.length), STATUS_CORRUPT);
        buf_clear(&bytes);
    }
}

static void a_newer_version_is_told_apart_from_damage(void **state)
{
    (void)state;
    for (size_t i = 0; i < KINDS; i++) {
        struct buf bytes = {0};
        kinds[i].encode(&bytes);
        bytes.data[0] = (char)(kinds[i].version + 1);
        assert_int_equal(kinds[i].decode(buf_slice(&bytes)), STATUS_VERSION);
        assert_int_equal(decode_exact(&kinds[i], "\xff", 1), STATUS_VERSION);
        bytes.data[0] = 0;
        assert_int_equal(kinds[i].decode(buf_slice(&bytes)), STATUS_CORRUPT);
        buf_clear(&bytes);
    }
}

static uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

static void random_bytes_do_no_harm(void **state)
{
    (void)state;
    uint32_t seed = 2463534242u;
    for (int round = 0; round < 20000; round++) {
        unsigned char bytes[200];
        size_t length = 1 + next_random(&seed) % (sizeof bytes - 1);
        for (size_t i = 0; i < length; i++)
            bytes[i] = next_random(&seed) % 3 ? 0 : (unsigned char)next_random(&seed);
        for (size_t i = 0; i < KINDS; i++) {
            bytes[0] = (unsigned char)(1 + round % kinds[i].version);
            (void)!decode_exact(&kinds[i], bytes, length);
        }
    }
}

static void changed_records_do_no_harm(void **state)
{
    (void)state;
    uint32_t seed = 88172645u;
    for (size_t i = 0; i < KINDS; i++) {
        struct buf bytes = {0};
        kinds[i].encode(&bytes);
        for (int round = 0; round < 10000; round++) {
            size_t at = next_random(&seed) % bytes.length, also = next_random(&seed) % bytes.length;
            char kept = bytes.data[at], kept_also = bytes.data[also];
            bytes.data[at] = (char)next_random(&seed);
            bytes.data[also] = (char)next_random(&seed);
            (void)!decode_exact(&kinds[i], bytes.data, bytes.length);
            bytes.data[also] = kept_also;
            bytes.data[at] = kept;
        }
        buf_clear(&bytes);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_is_read_back),
        cmocka_unit_test(every_cut_and_every_trailing_byte_is_corrupt),
        cmocka_unit_test(a_newer_version_is_told_apart_from_damage),
        cmocka_unit_test(random_bytes_do_no_harm),
        cmocka_unit_test(changed_records_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
