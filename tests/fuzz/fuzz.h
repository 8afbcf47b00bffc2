/* A fuzz target is one function over some bytes, which ends the process where what must hold does not. With libFuzzer
 * it is called by that; else by fuzz_main.c, which replays the corpus. */
#ifndef HOOKTURN_TESTS_FUZZ_H
#define HOOKTURN_TESTS_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

/* Always 0. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Says what did not hold, and where. */
#define MUST(condition)                                                                                                \
    do {                                                                                                               \
        if (!(condition)) {                                                                                            \
            fprintf(stderr, "%s:%d: does not hold: %s\n", __FILE__, __LINE__, #condition);                             \
            abort();                                                                                                   \
        }                                                                                                              \
    } while (0)

#endif
