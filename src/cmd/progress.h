/* What a person at a terminal sees of long work: one line on stderr that is written over. Elsewhere nothing is shown.
 */
#ifndef HOOKTURN_CMD_PROGRESS_H
#define HOOKTURN_CMD_PROGRESS_H

#include <stdbool.h>
#include <stdint.h>

#include "store/store.h"

/* `{0}` before the first report. */
struct progress {
    int64_t shown_at_ms; /* 0: nothing is shown */
};

/* For a verb of the store, or a loop over short ones. It also asks to stop after a signal (family_stop). */
struct store_progress progress_begin(struct progress *progress);
/* Before anything else is said: takes the line away. */
void progress_end(struct progress *progress);

#endif
