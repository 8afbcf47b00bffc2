/* One GET of a URL that the operator named: for looking at the own web server from outside. The guard against special
 * addresses does not apply. */
#ifndef HOOKTURN_DELIVERY_WEB_CHECK_H
#define HOOKTURN_DELIVERY_WEB_CHECK_H

#include <signal.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/delivery.h"

struct web_answer {
    int32_t status;           /* 0: none came */
    enum attempt_error error; /* why not, or why it is not whole */
    char why[256];            /* the same in libcurl's words */
    int64_t date_ms;          /* of its Date header; -1: none */
    struct buf headers;       /* as in struct attempt */
    struct buf body;          /* the first ATTEMPT_BODY_KEPT bytes */
};

/* Where curl_library_open succeeded. Within 10 s, or until *stop; follows no redirects, uses no proxy, verifies
 * certificates. `api_key` goes out as `Authorization: Bearer`; NULL: none does. Clear `out` with web_answer_clear. */
void web_get(const char *url, const char *api_key, const volatile sig_atomic_t *stop, struct web_answer *out);
void web_answer_clear(struct web_answer *answer);
/* Appends the header's value; nothing where there is none. */
void web_answer_header(const struct web_answer *answer, const char *name, struct buf *out);

#endif
