/* What may stand as the host of a URL or of a destination rule. */
#ifndef HOOKTURN_BASE_HOST_H
#define HOOKTURN_BASE_HOST_H

enum { HOST_MAX_BYTES = 253 };

/* NULL where `host` is a name of [A-Za-z0-9.-], a literal IPv4 address as inet_aton(3) reads it, or an IPv6 address in
 * brackets; else a sentence that says what is wrong (static). */
const char *host_fault(const char *host);

#endif
