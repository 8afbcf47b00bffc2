/* Which network addresses a request may never reach: IANA's special-purpose registries (RFC 6890 and its updates),
 * multicast included, and the operator's exceptions to that. */
#ifndef HOOKTURN_BASE_ADDRESS_H
#define HOOKTURN_BASE_ADDRESS_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "base/status.h"

/* An IPv4 or IPv6 address in 16 bytes; IPv4 as ::ffff:a.b.c.d, so a v4-mapped address is the IPv4 address. */
struct address {
    unsigned char bytes[16];
};

/* STATUS_INVALID for families other than AF_INET and AF_INET6. */
enum status address_from_sockaddr(const struct sockaddr *from, struct address *out, uint16_t *out_port) MUST_USE;
/* A literal host as it stands in a URL: all that inet_aton(3) reads (decimal, octal, hex, 1 to 4 parts; one trailing
 * dot allowed), or an IPv6 address in brackets (no zone). STATUS_INVALID: it is a name. */
enum status address_parse_literal(const char *host, struct address *out) MUST_USE;
/* True for whatever is not ordinary global unicast. */
bool address_is_special(const struct address *address);
bool address_is_v4(const struct address *address);
/* Whether the first `prefix` bits (of 128) are those of `start`. */
bool address_is_within(const struct address *address, const struct address *start, int prefix);
/* From the number in host byte order. */
void address_from_v4(uint32_t number, struct address *out);
/* An IPv6 address without brackets or zone; `text` need not be terminated. */
enum status address_parse_v6(const char *text, size_t length, struct address *out) MUST_USE;

/* One entry of `allow_destinations`: a CIDR block (or single address) or a host name, each optionally with a port. */
struct destination_rule {
    char *host;             /* lower case; NULL: a block */
    struct address address; /* the block's start, in 16-byte form */
    int prefix;             /* of 128 */
    uint16_t port;          /* 0: any */
};

/* "127.0.0.0/8:8080", "[::1/128]:8080", "10.1.2.3", "::1/128", "hooks.internal:8443". STATUS_INVALID otherwise.
 * On success clear with destination_rule_clear. */
enum status destination_rule_parse(const char *text, struct destination_rule *out) MUST_USE;
void destination_rule_clear(struct destination_rule *rule);

/* The whole decision, made for a literal at the edge and for every socket at connect time. */
struct destination_policy {
    struct destination_rule *allow;
    size_t allow_count;
    uint16_t *deny_ports;
    size_t deny_port_count;
};
bool destination_port_is_denied(const struct destination_policy *policy, uint16_t port);
/* `host`: the URL's host, any case, brackets kept; only compared with the rules that name one. */
bool destination_is_allowed(const struct destination_policy *policy, const char *host, const struct address *address,
                            uint16_t port);

#endif
