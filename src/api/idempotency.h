/* Idempotency-Key: a repeated request gets the first one's answer. The store keeps the row in the verb's own
 * transaction; here is what stands in it. */
#ifndef HOOKTURN_API_IDEMPOTENCY_H
#define HOOKTURN_API_IDEMPOTENCY_H

#include <stdbool.h>

#include "api/call.h"
#include "api/success.h"

/* Sets call->idempotency where the request brings a key and its method honours one. False: the key is not valid, and
 * the request was answered with 400. */
bool idempotency_check(struct call *call);

/* What render works with: an answer that is filled in before the store asks for it. */
struct keeper {
    const struct call *call;
    const struct success *success;
};
/* A render for struct answer, whose context is a struct keeper. Appends nothing where no key came with the request. */
void idempotency_keep(void *keeper, struct buf *kept);
/* The row's key for struct answer; NULL where none came with the request. */
const struct idempotency *idempotency_of(const struct call *call);

/* After a verb: sends `success`, or the first answer again, or the error; `message` is for the latter (NULL: the
 * table's). Clears `success` and answer->kept. */
void idempotency_finish(struct call *call, enum status status, struct success *success, struct answer *answer,
                        const char *message);

#endif
