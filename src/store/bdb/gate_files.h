/* The small files in the environment's home that the gate reads and writes: epoch, ready, reserve. `home` and
 * `epoch_file` are open descriptors; errno tells the cause of a failure. */
#ifndef HOOKTURN_STORE_BDB_GATE_FILES_H
#define HOOKTURN_STORE_BDB_GATE_FILES_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

/* 0 before the first recovery. */
uint64_t gate_epoch_read(int epoch_file);
enum status gate_epoch_write(int epoch_file, uint64_t epoch) MUST_USE;

/* Whether the regions can be trusted. They do not survive the machine, so `ready` holds the id of the boot that it is
 * true for. */
bool gate_ready_is_there(int home);
enum status gate_ready_make(int home) MUST_USE;

/* Space that recovery can fall back on when the disk is full: makes it, or makes it whole. STATUS_OK where it is there
 * already. */
enum status gate_reserve_make(int home) MUST_USE;
/* Gives a little of it back, so that a process can enter a store on a full disk, to read at least. False where that
 * cannot be, or would leave less than half. */
bool gate_reserve_lend(int home);

#endif
