/* The gate's watcher: looks ten times a second whether this process has to leave the environment, because a recovery
 * was asked for or another process died in it, and then ends the process by _exit(STORE_EXIT_LEFT) after a moment in
 * which answers in hand are finished. It does so whatever the program's threads hang on.
 *
 * It is a thread; or, in a program that has no threads and lives for one request, the alarm clock (SIGALRM), because
 * making a thread and seeing to its end costs such a program a tenth of its life. */
#ifndef HOOKTURN_STORE_BDB_GATE_WATCH_H
#define HOOKTURN_STORE_BDB_GATE_WATCH_H

#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum {
    GATE_WATCH_MS = 100,   /* between two looks */
    GATE_FAREWELL_MS = 200 /* from the decision to leave to _exit */
};

enum gate_watcher { GATE_WATCHED_BY_THREAD, GATE_WATCHED_BY_ALARM };

struct gate_watch {
    enum gate_watcher kind;
    int live; /* what is looked at: borrowed descriptors, and the epoch that is the process's own */
    int epoch_file;
    uint64_t epoch;
    atomic_bool leaving; /* decided; set by others as well */
    bool runs;
    pthread_t thread;
    pthread_mutex_t mutex; /* guards `ended`, with the condition */
    pthread_cond_t wake;
    bool ended;
};

void gate_watch_init(struct gate_watch *watch, enum gate_watcher kind);
/* The first look is made GATE_WATCH_MS from now. At most one alarm clock in a process. STATUS_IO: no thread can be had.
 */
enum status gate_watch_start(struct gate_watch *watch) MUST_USE;
/* Stops it, where it runs: this process is not ended by it any more. */
void gate_watch_clear(struct gate_watch *watch);

#endif
