/* Who asks. */
#ifndef HOOKTURN_API_AUTH_H
#define HOOKTURN_API_AUTH_H

#include <stdbool.h>

#include "api/call.h"

/* Sets call->store and call->key. False: the request was answered (401, 503, 500). */
bool auth_check(struct call *call);
/* The token of `Bearer <token>`: scheme whatever its case, one space or more, trailing spaces dropped; empty where the
 * value has another form. Borrows. */
struct slice auth_bearer_token(const char *authorization);

#endif
