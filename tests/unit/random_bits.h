/* Numbers that look random and are the same in every run (xorshift32), so that a failure can be repeated. */
#ifndef HOOKTURN_TESTS_RANDOM_BITS_H
#define HOOKTURN_TESTS_RANDOM_BITS_H

#include <stdint.h>

/* `seed` starts as anything but 0. */
static inline uint32_t next_random(uint32_t *seed)
{
    *seed ^= *seed << 13;
    *seed ^= *seed >> 17;
    *seed ^= *seed << 5;
    return *seed;
}

#endif
