/* A store in memory in place of the real one, for the worker's tests: it fails, hurries and hesitates as they say. */
#ifndef HOOKTURN_TESTS_DELIVERY_FAKE_STORE_H
#define HOOKTURN_TESTS_DELIVERY_FAKE_STORE_H

#include "store/store.h"

enum { FAKE_DELIVERIES = 64 };

struct fake_delivery {
    struct claim claim; /* attempt_count and budget_used as settled so far */
    enum delivery_status status;
    int64_t due_at_ms;
    bool is_leased;
    struct attempt last;
    size_t releases;
};

/* A number of calls that fail first, and how. */
struct fake_failures {
    size_t count;
    enum status status;
};

struct store {
    struct subscription subscription; /* of all deliveries */
    struct event event;               /* likewise */
    bool has_event;
    struct keyring *keyring;
    struct fake_delivery deliveries[FAKE_DELIVERIES];
    size_t delivery_count;
    struct fake_failures claim_failures;
    struct fake_failures settle_failures;
    bool pauses_after_claim;
    bool is_leaving;
    int64_t lease_cut_ms; /* leases are shorter by so much than asked for */
    size_t claims;
    size_t most_leased; /* at once */
    size_t states_written;
    size_t upkeeps; /* steps made */
    size_t upkeeps_of_a_pass;
    void (*before_claim)(struct store *store); /* NULL, or what happens just before each look for work */
    int lock_fd;                               /* for before_claim */
};

#endif
