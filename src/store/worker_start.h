/* `worker = auto`: whoever made a delivery due sees to it that a worker runs. */
#ifndef HOOKTURN_STORE_WORKER_START_H
#define HOOKTURN_STORE_WORKER_START_H

#include "base/conf.h"

/* Where conf->worker_is_auto and no worker runs, starts `hookturn deliver --detach` and returns when that one holds the
 * worker's lock, some 20 ms later: so it is called when the answer is out. Of many callers at once, in any process,
 * one starts it, and the others return when they see it run. A start that failed is logged, and not tried again for a
 * second. */
void worker_start_if_none(const struct conf *conf);

/* The program that would be started; the caller frees. NULL where none is found: beside this program (`hookturn` for
 * `hookturn.fcgi`), as `bin/hookturn` in the data directory, where `make install` put it, or where the data directory's
 * note says. */
char *worker_start_program(const struct conf *conf);
/* Leaves that note: `hookturn` calls it, so that a copy of `hookturn.fcgi` alone in a web server's folder finds it. */
void worker_start_note_program(const struct conf *conf);

#endif
