/* Takes a subscription's URL apart under rules so narrow that every later reader sees the same host and port in it. */
#include "base/url.h"

#include <stdio.h>
#include <string.h>

#include "base/host.h"

struct scheme {
    const char *prefix;
    bool is_https;
    uint16_t port;
};

static const struct scheme schemes[] = {
    {"https://", true, 443},
    {"http://", false, 80},
};

static const struct scheme *find_scheme(const char *text, size_t length)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++) {
        size_t prefix_length = strlen(schemes[i].prefix);
        if (length >= prefix_length && memcmp(text, schemes[i].prefix, prefix_length) == 0) {
            return &schemes[i];
        }
    }
    return NULL;
}

static const char *bytes_fault(const char *text, size_t length)
{
    if (length > URL_MAX_BYTES) {
        return "the URL is longer than 2048 bytes";
    }
    for (size_t i = 0; i < length; i++) {
        if (text[i] <= ' ' || text[i] > '~' || text[i] == '\\') {
            return "the URL may not hold spaces, backslashes, control or non-ASCII characters (percent-encode them)";
        }
        if (text[i] == '#') {
            return "the URL may not have a fragment ('#')";
        }
    }
    return NULL;
}

static size_t span_until(const char *text, size_t length, const char *stops)
{
    size_t at = 0;
    while (at < length && strchr(stops, text[at]) == NULL) {
        at++;
    }
    return at;
}

/* Digits alone; what is empty or larger than a port becomes 0. */
static uint16_t parse_port(const char *text, size_t length)
{
    unsigned port = 0;
    for (size_t i = 0; i < length; i++) {
        if (text[i] < '0' || text[i] > '9') {
            return 0;
        }
        port = port * 10 + (unsigned)(text[i] - '0');
        if (port > UINT16_MAX) {
            return 0;
        }
    }
    return (uint16_t)port;
}

static const char *set_host(const char *text, size_t length, struct url *url)
{
    if (length >= sizeof url->host) {
        return "the host is longer than 253 bytes";
    }
    for (size_t i = 0; i < length; i++) {
        url->host[i] = (char)(text[i] >= 'A' && text[i] <= 'Z' ? text[i] - 'A' + 'a' : text[i]);
    }
    url->host[length] = '\0';
    return host_fault(url->host);
}

/* "host", "host:port"; the colons of an IPv6 address stand in its brackets. */
static const char *set_authority(const char *text, size_t length, struct url *url)
{
    if (memchr(text, '@', length) != NULL) {
        return "the URL may not hold a user name or password ('@')";
    }
    size_t bracketed = length > 0 && text[0] == '[' ? span_until(text, length, "]") : 0;
    size_t host_length = bracketed + span_until(text + bracketed, length - bracketed, ":");
    const char *fault = set_host(text, host_length, url);
    if (fault != NULL || host_length == length) {
        return fault;
    }
    url->port = parse_port(text + host_length + 1, length - host_length - 1);
    return url->port != 0 ? NULL : "what follows the host's ':' must be a port from 1 to 65535";
}

static const char *take_apart(const char *text, size_t length, struct url *url)
{
    const char *fault = bytes_fault(text, length);
    if (fault != NULL) {
        return fault;
    }
    const struct scheme *scheme = find_scheme(text, length);
    if (scheme == NULL) {
        return "the URL must begin with http:// or https://";
    }
    *url = (struct url){.is_https = scheme->is_https, .port = scheme->port};
    size_t start = strlen(scheme->prefix);
    return set_authority(text + start, span_until(text + start, length - start, "/?"), url);
}

enum status url_parse(const char *text, size_t length, struct url *out, const char **message)
{
    struct url url;
    const char *fault = take_apart(text, length, &url);
    if (fault != NULL) {
        *message = fault;
        return STATUS_INVALID;
    }
    *out = url;
    return STATUS_OK;
}

void url_host(const char *text, char out[URL_HOST_SIZE])
{
    struct url url;
    const char *message;
    bool is_url = url_parse(text, strlen(text), &url, &message) == STATUS_OK;
    (void)snprintf(out, URL_HOST_SIZE, "%s", is_url ? url.host : "");
}
