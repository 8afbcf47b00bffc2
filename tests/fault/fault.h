/* A fault that is asked for from outside, in programs that are never installed: HOOKTURN_FAULT=KIND:N makes the N-th
 * call (from 1) of that kind fail. The file that HOOKTURN_FAULT_NOTE names gets the line "fired" then; where N is 0
 * each process leaves the number of its calls there. Nothing is counted before main begins, and each process counts for
 * itself. With HOOKTURN_FAULT_NETWORK every file system is NFS. */
#ifndef HOOKTURN_TESTS_FAULT_H
#define HOOKTURN_TESTS_FAULT_H

#include <stdbool.h>

enum fault_kind {
    FAULT_NONE,
    FAULT_WRITE,    /* write: no space is left */
    FAULT_SHORT,    /* short: half of it is written, and nothing of the next one: the disk is full */
    FAULT_SYNC,     /* sync: the device fails */
    FAULT_OPEN,     /* open: the device fails */
    FAULT_CHANGE,   /* change of a directory (made, renamed, linked, removed): the device fails */
    FAULT_LOCK,     /* lock: the system has none left */
    FAULT_MEMORY,   /* memory: there is none */
    FAULT_STORE,    /* store: a call of Berkeley DB fails with an error of the device, */
    FAULT_CONFLICT, /* conflict: or because another transaction was in the way */
};

/* Counts a call. True: this is the one that fails. Safe from any thread, and allocates nothing. */
bool fault_is_due(enum fault_kind kind);

#endif
