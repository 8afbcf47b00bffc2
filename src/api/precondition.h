/* If-Match (RFC 9110 section 13.1.1): a change that is only wanted on the version that the client has seen. */
#ifndef HOOKTURN_API_PRECONDITION_H
#define HOOKTURN_API_PRECONDITION_H

#include <stdbool.h>
#include <stdint.h>

#include "api/request.h"
#include "base/status.h"
#include "model/subscription.h"

/* For a change's apply: STATUS_PRECONDITION where the request names other versions than the one that the record had
 * before this change. */
enum status precondition_check(const struct request *request, const struct subscription *subscription,
                               int64_t now_ms) MUST_USE;
/* Whether a value of If-Match is `*` or lists `etag`. Weak tags and a malformed value match nothing. */
bool precondition_names(const char *if_match, const char *etag);

#endif
