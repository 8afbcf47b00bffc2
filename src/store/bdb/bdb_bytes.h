/* Keys and the small values of the engine's own tables: integers big-endian, so that keys sort as numbers do. */
#ifndef HOOKTURN_STORE_BDB_BDB_BYTES_H
#define HOOKTURN_STORE_BDB_BDB_BYTES_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"

static inline void bytes_put(unsigned char *out, size_t length, uint64_t value)
{
    for (size_t i = length; i-- > 0; value >>= 8)
        out[i] = (unsigned char)(value & 0xff);
}

static inline uint64_t bytes_get(const void *from, size_t length)
{
    const unsigned char *bytes = from;
    uint64_t value = 0;
    for (size_t i = 0; i < length; i++)
        value = value << 8 | bytes[i];
    return value;
}

/* The longest key: subscription, due time and event. */
enum { BDB_KEY_MAX = 64 };

struct bdb_key {
    unsigned char bytes[BDB_KEY_MAX];
    size_t length;
};

static inline void bdb_key_add(struct bdb_key *key, const void *bytes, size_t length)
{
    memcpy(key->bytes + key->length, bytes, length);
    key->length += length;
}

static inline void bdb_key_add_number(struct bdb_key *key, size_t length, uint64_t value)
{
    bytes_put(key->bytes + key->length, length, value);
    key->length += length;
}

static inline void bdb_value_add_number(struct buf *value, size_t length, uint64_t number)
{
    unsigned char bytes[8];
    bytes_put(bytes, length, number);
    buf_append(value, bytes, length);
}

#endif
