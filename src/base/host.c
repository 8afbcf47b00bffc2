/* The rules for hosts, shared by URLs and destination rules, so that both know the same names. */
#include "base/host.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

#include "base/address.h"

#define HOST_ALPHABET "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-"
enum { LABEL_MAX_BYTES = 63 };

/* One dot at the end stands for the root and belongs to no label. */
static size_t length_without_root(const char *host)
{
    size_t length = strlen(host);
    return length > 1 && host[length - 1] == '.' ? length - 1 : length;
}

static bool has_bad_label(const char *host)
{
    size_t length = length_without_root(host);
    size_t start = 0;
    for (size_t at = 0; at <= length; at++) {
        if (at < length && host[at] != '.') {
            continue;
        }
        if (at == start || at - start > LABEL_MAX_BYTES) {
            return true;
        }
        start = at + 1;
    }
    return false;
}

/* Whether some parser could take the host for a number: no top-level domain is one, so no such name exists. */
static bool ends_in_number(const char *host)
{
    size_t end = length_without_root(host);
    size_t start = end;
    while (start > 0 && host[start - 1] != '.') {
        start--;
    }
    bool is_hex = end - start >= 2 && host[start] == '0' && (host[start + 1] == 'x' || host[start + 1] == 'X');
    for (size_t at = is_hex ? start + 2 : start; at < end; at++) {
        if (is_hex ? !isxdigit((unsigned char)host[at]) : !isdigit((unsigned char)host[at])) {
            return false;
        }
    }
    return true;
}

const char *host_fault(const char *host)
{
    struct address address;
    bool is_literal = address_parse_literal(host, &address) == STATUS_OK;
    if (host[0] == '\0') {
        return "the host is missing";
    }
    if (strlen(host) > HOST_MAX_BYTES) {
        return "the host is longer than 253 bytes";
    }
    if (is_literal) {
        return NULL;
    }
    if (host[0] == '[') {
        return "what stands in brackets is not an IPv6 address";
    }
    if (host[strspn(host, HOST_ALPHABET)] != '\0') {
        return "the host may hold letters, digits, '.' and '-' alone, or be an IPv6 address in brackets";
    }
    if (has_bad_label(host)) {
        return "the parts of the host between its dots must have 1 to 63 characters";
    }
    return ends_in_number(host) ? "the host ends in a number but is not an IPv4 address" : NULL;
}
