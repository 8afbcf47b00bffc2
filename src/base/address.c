/* Addresses in one form, and the table of blocks that no request may reach. Asked at the edge for literal hosts and by
 * the sender for every socket that it is about to connect. */
#include "base/address.h"

#include <arpa/inet.h>
#include <string.h>

struct block {
    struct address start;
    int prefix; /* of 128 */
};

#define V4(a, b, c, d, bits)                                                                                           \
    {                                                                                                                  \
        {{[10] = 0xff, [11] = 0xff, (a), (b), (c), (d)}}, 96 + (bits)                                                  \
    }
#define V6(a, b, c, d, bits)                                                                                           \
    {                                                                                                                  \
        {{(a), (b), (c), (d)}}, (bits)                                                                                 \
    }

/* What may hold ordinary unicast addresses at all: IPv4, and the only part of IPv6 that was ever given out. */
static const struct block unicast[] = {
    V4(0, 0, 0, 0, 0),
    V6(0x20, 0, 0, 0, 3),
};

/* What is special within those, by IANA's special-purpose registries. */
static const struct block special[] = {
    V4(0, 0, 0, 0, 8),                            /* this network */
    V4(10, 0, 0, 0, 8),                           /* private */
    V4(100, 64, 0, 0, 10),                        /* shared by carriers */
    V4(127, 0, 0, 0, 8),                          /* loopback */
    V4(169, 254, 0, 0, 16),                       /* link-local, cloud metadata */
    V4(172, 16, 0, 0, 12),                        /* private */
    V4(192, 0, 0, 0, 24),                         /* protocol assignments */
    V4(192, 0, 2, 0, 24),                         /* documentation */
    V4(192, 31, 196, 0, 24),                      /* AS112, which swallows what it gets */
    V4(192, 52, 193, 0, 24),                      /* multicast tunnels */
    V4(192, 88, 99, 0, 24),                       /* 6to4 relays */
    V4(192, 168, 0, 0, 16),                       /* private */
    V4(192, 175, 48, 0, 24),                      /* AS112 */
    V4(198, 18, 0, 0, 15),                        /* benchmarks */
    V4(198, 51, 100, 0, 24),                      /* documentation */
    V4(203, 0, 113, 0, 24),                       /* documentation */
    V4(224, 0, 0, 0, 4),                          /* multicast */
    V4(240, 0, 0, 0, 4),                          /* reserved, broadcast */
    V6(0x20, 0x01, 0, 0, 23),                     /* protocol assignments, Teredo */
    V6(0x20, 0x01, 0x0d, 0xb8, 32),               /* documentation */
    V6(0x20, 0x02, 0, 0, 16),                     /* 6to4 */
    {{{0x26, 0x20, 0x00, 0x4f, 0x80, 0x00}}, 48}, /* AS112 */
    V6(0x3f, 0xff, 0, 0, 20),                     /* documentation (RFC 9637) */
};

#define COUNT(table) (sizeof(table) / sizeof((table)[0]))

bool address_is_within(const struct address *address, const struct address *start, int prefix)
{
    size_t whole = (size_t)prefix / 8;
    unsigned rest = (unsigned)prefix % 8;
    if (memcmp(address->bytes, start->bytes, whole) != 0) {
        return false;
    }
    unsigned differing = rest == 0 ? 0U : (unsigned)(address->bytes[whole] ^ start->bytes[whole]);
    return differing >> (8 - rest) == 0;
}

static bool is_in_table(const struct address *address, const struct block *table, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (address_is_within(address, &table[i].start, table[i].prefix)) {
            return true;
        }
    }
    return false;
}

bool address_is_special(const struct address *address)
{
    return !is_in_table(address, unicast, COUNT(unicast)) || is_in_table(address, special, COUNT(special));
}

bool address_is_v4(const struct address *address)
{
    return is_in_table(address, &unicast[0], 1);
}

void address_from_v4(uint32_t number, struct address *out)
{
    *out = (struct address){{[10] = 0xff, [11] = 0xff}};
    for (int i = 0; i < 4; i++) {
        out->bytes[12 + i] = (unsigned char)(number >> (24 - 8 * i));
    }
}

enum status address_from_sockaddr(const struct sockaddr *from, struct address *out, uint16_t *out_port)
{
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    switch (from->sa_family) {
    case AF_INET:
        memcpy(&v4, from, sizeof v4);
        address_from_v4(ntohl(v4.sin_addr.s_addr), out);
        *out_port = ntohs(v4.sin_port);
        return STATUS_OK;
    case AF_INET6:
        memcpy(&v6, from, sizeof v6);
        memcpy(out->bytes, v6.sin6_addr.s6_addr, sizeof out->bytes);
        *out_port = ntohs(v6.sin6_port);
        return STATUS_OK;
    default:
        return STATUS_INVALID;
    }
}

static int digit_value(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);
    return found == NULL ? 16 : (int)(found - digits);
}

/* One number as strtoul(3) with base 0 reads it. Returns where it ends, NULL where there is none or it is too large. */
static const char *read_number(const char *text, uint64_t *out)
{
    bool is_hex = text[0] == '0' && (text[1] == 'x' || text[1] == 'X') && digit_value(text[2]) < 16;
    int base = is_hex ? 16 : text[0] == '0' ? 8 : 10;
    const char *at = is_hex ? text + 2 : text;
    const char *start = at;
    uint64_t value = 0;
    for (; digit_value(*at) < base; at++) {
        value = value * (uint64_t)base + (uint64_t)digit_value(*at);
        if (value > UINT32_MAX) {
            return NULL;
        }
    }
    *out = value;
    return at == start ? NULL : at;
}

/* inet_aton(3) for a whole string: 1 to 4 numbers, the last one filling all bytes that are left. */
static enum status parse_v4(const char *text, struct address *out)
{
    uint64_t number = 0;
    uint64_t part = 0;
    const char *at = read_number(text, &part);
    int parts = 1;
    for (; at != NULL && *at == '.' && at[1] != '\0'; parts++) {
        if (parts == 4 || part > 0xff) {
            return STATUS_INVALID;
        }
        number = number << 8 | part;
        at = read_number(at + 1, &part);
    }
    if (at == NULL || (*at != '\0' && *at != '.') || part >= UINT64_C(1) << (8 * (5 - parts))) {
        return STATUS_INVALID;
    }
    address_from_v4((uint32_t)(number << (8 * (5 - parts)) | part), out);
    return STATUS_OK;
}

enum status address_parse_v6(const char *text, size_t length, struct address *out)
{
    char copy[INET6_ADDRSTRLEN];
    if (length >= sizeof copy || memchr(text, '\0', length) != NULL) {
        return STATUS_INVALID;
    }
    memcpy(copy, text, length);
    copy[length] = '\0';
    return inet_pton(AF_INET6, copy, out->bytes) == 1 ? STATUS_OK : STATUS_INVALID;
}

enum status address_parse_literal(const char *host, struct address *out)
{
    if (host[0] != '[') {
        return parse_v4(host, out);
    }
    size_t length = strlen(host);
    return host[length - 1] == ']' ? address_parse_v6(host + 1, length - 2, out) : STATUS_INVALID;
}
