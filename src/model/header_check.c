/* The rules for a subscriber's own headers: nothing in them may break the request's framing or pass for what hookturn
 * itself says. */
#include "model/subscription_check.h"

#include <string.h>
#include <strings.h>

/* A name that ends in "-" stands for all that start so. */
static const char *const refused_names[] = {
    "Host",    "Content-", "Transfer-Encoding", "Connection", "Keep-Alive", "Expect", "TE", "Trailer",
    "Upgrade", "Proxy-",   "User-Agent",        "X-Webhook-", "Webhook-",
};

static bool is_refused(const char *name, size_t length)
{
    for (size_t i = 0; i < sizeof refused_names / sizeof refused_names[0]; i++) {
        const char *refused = refused_names[i];
        size_t refused_length = strlen(refused);
        bool is_prefix = refused[refused_length - 1] == '-';
        if ((is_prefix ? length >= refused_length : length == refused_length) &&
            strncasecmp(name, refused, refused_length) == 0)
            return true;
    }
    return false;
}

/* RFC 9110 section 5.6.2. */
static bool is_token_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

const char *check_header_name(const char *text, size_t length)
{
    static const char *const message =
        "a header name must consist of letters, digits and the characters !#$%&'*+-.^_`|~";
    if (length == 0)
        return message;
    for (size_t i = 0; i < length; i++)
        if (!is_token_character(text[i]))
            return message;
    if (is_refused(text, length))
        return "this header cannot be set: it belongs to the connection, the body or the service";
    return NULL;
}

const char *check_header_value(const char *text, size_t length)
{
    for (size_t i = 0; i < length; i++)
        if (text[i] < ' ' || text[i] > '~')
            return "a header value must consist of visible ASCII characters and spaces";
    return NULL;
}

static size_t bytes_of(const struct header_list *headers)
{
    size_t bytes = 0;
    for (size_t i = 0; i < headers->count; i++)
        bytes += strlen(headers->items[i].name) + strlen(headers->items[i].value);
    return bytes;
}

static bool has_duplicates(const struct header_list *headers)
{
    for (size_t i = 0; i < headers->count; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(headers->items[i].name, headers->items[k].name) == 0)
                return true;
    return false;
}

/* The number comes first: it bounds the work of the others. */
const char *check_headers(const struct header_list *headers)
{
    if (headers->count > HEADERS_MAX)
        return "there must be at most 50 headers";
    if (bytes_of(headers) > HEADERS_MAX_BYTES)
        return "the headers must have at most 8192 bytes in all, names and values together";
    if (has_duplicates(headers))
        return "a header must not be named twice, whatever its case";
    return NULL;
}
