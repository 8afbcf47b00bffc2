/* The operator's rules over the address table: which special destinations are exempt, which ports never are. */
#include "base/address.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/host.h"
#include "base/mem.h"

/* Decimal digits alone, at most `max`; -1 otherwise. */
static int parse_small(const char *text, int max)
{
    int value = 0;
    if (*text == '\0') {
        return -1;
    }
    for (; *text != '\0'; text++) {
        if (*text < '0' || *text > '9') {
            return -1;
        }
        value = value * 10 + (*text - '0');
        if (value > max) {
            return -1;
        }
    }
    return value;
}

/* Cuts ":port" off the end. What has several colons and no brackets is a bare IPv6 address without a port. */
static enum status split_port(char *text, uint16_t *out)
{
    char *colon = strrchr(text, ':');
    if (colon == NULL || (text[0] == '[' ? strchr(colon, ']') != NULL : strchr(text, ':') != colon)) {
        *out = 0;
        return STATUS_OK;
    }
    int port = parse_small(colon + 1, UINT16_MAX);
    if (port <= 0) {
        return STATUS_INVALID;
    }
    *colon = '\0';
    *out = (uint16_t)port;
    return STATUS_OK;
}

/* Takes the brackets away, where there are both. */
static char *strip_brackets(char *text)
{
    size_t length = strlen(text);
    if (length < 2 || text[0] != '[' || text[length - 1] != ']') {
        return text;
    }
    text[length - 1] = '\0';
    return text + 1;
}

static void mask(struct address *address, int prefix)
{
    for (int bit = prefix; bit < 128; bit++) {
        address->bytes[bit / 8] &= (unsigned char)~(0x80U >> (bit % 8));
    }
}

/* "address" or "address/bits"; IPv4 in its plain dotted form alone, for a rule should be read in one way. */
static enum status parse_block(char *text, bool is_bracketed, struct destination_rule *out)
{
    struct in_addr v4;
    char *slash = strchr(text, '/');
    if (slash != NULL) {
        *slash = '\0';
    }
    bool is_v4 = !is_bracketed && inet_pton(AF_INET, text, &v4) == 1;
    if (is_v4) {
        address_from_v4(ntohl(v4.s_addr), &out->address);
    } else if (address_parse_v6(text, strlen(text), &out->address) != STATUS_OK) {
        return STATUS_INVALID;
    }
    int bits = is_v4 ? 32 : 128;
    int prefix = slash == NULL ? bits : parse_small(slash + 1, bits);
    if (prefix < 0) {
        return STATUS_INVALID;
    }
    out->prefix = 128 - bits + prefix;
    mask(&out->address, out->prefix);
    return STATUS_OK;
}

static enum status parse_host(const char *text, struct destination_rule *out)
{
    struct address address;
    if (host_fault(text) != NULL || address_parse_literal(text, &address) == STATUS_OK) {
        return STATUS_INVALID;
    }
    size_t length = strlen(text);
    out->host = mem_strndup(text, text[length - 1] == '.' ? length - 1 : length);
    for (char *at = out->host; *at != '\0'; at++) {
        *at = (char)(*at >= 'A' && *at <= 'Z' ? *at - 'A' + 'a' : *at);
    }
    return STATUS_OK;
}

enum status destination_rule_parse(const char *text, struct destination_rule *out)
{
    struct destination_rule rule = {0};
    char *copy = mem_strdup(text);
    enum status status = split_port(copy, &rule.port);
    if (status == STATUS_OK) {
        char *place = strip_brackets(copy);
        status = parse_block(place, place != copy, &rule);
        if (status != STATUS_OK && place == copy && strchr(text, '/') == NULL) {
            status = parse_host(place, &rule);
        }
    }
    free(copy);
    if (status == STATUS_OK) {
        *out = rule;
    }
    return status;
}

void destination_rule_clear(struct destination_rule *rule)
{
    free(rule->host);
    *rule = (struct destination_rule){0};
}

static bool host_matches(const char *name, const char *host)
{
    size_t length = strlen(name);
    return strncasecmp(name, host, length) == 0 &&
           (host[length] == '\0' || (host[length] == '.' && host[length + 1] == '\0'));
}

/* A block of IPv6 says nothing about IPv4, however wide it is: ::/0 must not open the private IPv4 networks. */
static bool block_matches(const struct destination_rule *rule, const struct address *address)
{
    return (rule->prefix >= 96 || !address_is_v4(address)) && address_is_within(address, &rule->address, rule->prefix);
}

static bool rule_matches(const struct destination_rule *rule, const char *host, const struct address *address,
                         uint16_t port)
{
    if (rule->port != 0 && rule->port != port) {
        return false;
    }
    return rule->host != NULL ? host_matches(rule->host, host) : block_matches(rule, address);
}

bool destination_port_is_denied(const struct destination_policy *policy, uint16_t port)
{
    for (size_t i = 0; i < policy->deny_port_count; i++) {
        if (policy->deny_ports[i] == port) {
            return true;
        }
    }
    return false;
}

bool destination_is_allowed(const struct destination_policy *policy, const char *host, const struct address *address,
                            uint16_t port)
{
    if (destination_port_is_denied(policy, port)) {
        return false;
    }
    if (!address_is_special(address)) {
        return true;
    }
    for (size_t i = 0; i < policy->allow_count; i++) {
        if (rule_matches(&policy->allow[i], host, address, port)) {
            return true;
        }
    }
    return false;
}
