/* What becomes of deliveries with time. */
#ifndef HOOKTURN_MODEL_RETENTION_H
#define HOOKTURN_MODEL_RETENTION_H

#include <stdint.h>

#include "model/delivery.h"

enum retention_verdict {
    RETENTION_KEEP,
    RETENTION_CANCEL, /* it has waited too long */
    RETENTION_DELETE  /* it has been finished for long */
};

/* The number of the attempt whose start says since when a waiting delivery has been waiting: the first one since it was
 * last made due by hand. 0: the delivery says it itself. */
uint32_t retention_first_attempt(const struct delivery *delivery);
/* Pure. `first_attempt_at_ms`: the start of retention_first_attempt's; where that is 0, or the attempt is not there, 0.
 * A delivery that a lease holds is kept. */
enum retention_verdict retention_judge(const struct delivery *delivery, int64_t first_attempt_at_ms, int64_t now_ms,
                                       int64_t retention_ms);

#endif
