/* A worker's surroundings for its tests: a store that does as it is told, a receiver on loopback, a data directory. */
#ifndef HOOKTURN_TESTS_DELIVERY_WORKER_FIXTURE_H
#define HOOKTURN_TESTS_DELIVERY_WORKER_FIXTURE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "delivery/worker.h"
#include "fake_store.h"
#include "scripted_server.h"

struct fixture {
    struct scripted_server server;
    struct destination_rule allow[1];
    struct conf conf;
    struct store store;
    char key_path[64];
};

/* Of the whole group: the worker needs nothing in it but its own files. */
extern char data_directory[];
int make_data_directory(void **state);
int remove_data_directory(void **state);

/* That many deliveries are due, all to the receiver, which answers so. */
struct fixture *fixture_new(const char *answer, enum script_end then, size_t deliveries);
void fixture_free(struct fixture *fixture);
/* `hookturn deliver --once`. */
void run_once(struct fixture *fixture, enum status expected);
/* Deliveries in that state under no lease. */
size_t count_of(const struct fixture *fixture, enum delivery_status status);

#endif
