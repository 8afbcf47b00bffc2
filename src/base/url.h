/* The http and https URLs that a subscription may name, taken apart once. No general URL parser: what the rules do not
 * allow is refused, so that no other parser (libcurl's) can read something else in it. */
#ifndef HOOKTURN_BASE_URL_H
#define HOOKTURN_BASE_URL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/status.h"

enum { URL_MAX_BYTES = 2048, URL_HOST_SIZE = 256 };

struct url {
    bool is_https;
    char host[URL_HOST_SIZE]; /* lower case, brackets kept; at most 253 bytes */
    uint16_t port;            /* the scheme's default where none is written */
};

/* `^https?://`, at most 2048 bytes, host [A-Za-z0-9.-]+ or a bracketed IPv6 address, port 1 to 65535, no user info, no
 * fragment, no spaces, backslashes, control or non-ASCII characters. On STATUS_INVALID *message is a sentence for the
 * client (static). `length` may exceed strlen: an embedded NUL is refused. */
enum status url_parse(const char *text, size_t length, struct url *out, const char **message) MUST_USE;

/* The host alone; "" where the text is no URL. */
void url_host(const char *text, char out[URL_HOST_SIZE]);

#endif
