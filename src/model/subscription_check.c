/* The rules for a subscription's members and for what is published. The API asks them member by member and collects the
 * sentences. */
#include "model/subscription_check.h"

#include <string.h>

#include "base/encoding.h"
#include "base/url.h"

const char *check_name(const char *text, size_t length)
{
    if (utf8_is_blank(text, length))
        return "the name must not be blank";
    if (utf8_length(text, length) > NAME_MAX_CHARACTERS)
        return "the name must have at most 255 characters";
    return NULL;
}

const char *check_description(const char *text, size_t length)
{
    if (utf8_length(text, length) > DESCRIPTION_MAX_CHARACTERS)
        return "the description must have at most 1500 characters";
    return NULL;
}

const char *check_url(const char *text, size_t length, const struct destination_policy *policy, bool require_https)
{
    struct url url;
    const char *message = NULL;
    if (url_parse(text, length, &url, &message) != STATUS_OK)
        return message;
    if (require_https && !url.is_https)
        return "the URL must begin with https://";
    if (destination_port_is_denied(policy, url.port))
        return "the URL names a port that is never connected to";
    struct address address;
    if (address_parse_literal(url.host, &address) == STATUS_OK &&
        !destination_is_allowed(policy, url.host, &address, url.port))
        return "the URL names a private or special-purpose address; it must be reachable on the public Internet";
    return NULL;
}

static bool is_letter_or_digit(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* How many characters of [A-Za-z0-9_] stand at the start. */
static size_t word_length(const char *text, size_t length)
{
    size_t i = 0;
    while (i < length && (is_letter_or_digit(text[i]) || text[i] == '_'))
        i++;
    return i;
}

/* The part behind "Service."; empty where the text does not start like that. */
static struct slice behind_service(const char *text, size_t length)
{
    size_t service = word_length(text, length);
    if (service == 0 || service == length || text[service] != '.')
        return (struct slice){text, 0};
    return (struct slice){text + service + 1, length - service - 1};
}

static bool is_event_name(const char *text, size_t length)
{
    struct slice event = behind_service(text, length);
    return event.length > 0 && word_length(event.data, event.length) == event.length;
}

const char *check_event_filter(const char *text, size_t length)
{
    struct slice whole = {text, length};
    if (length > EVENT_NAME_MAX)
        return "an event filter must have at most 128 characters";
    if (slice_equals(whole, "*") || slice_equals(behind_service(text, length), "*") || is_event_name(text, length))
        return NULL;
    return "an event filter must be \"*\", \"Service.*\" or \"Service.Event\" (letters, digits and underscores)";
}

const char *check_event_name(const char *text, size_t length)
{
    static const char own_service[] = "Webhook.";
    if (length > EVENT_NAME_MAX)
        return "the event name must have at most 128 characters";
    if (!is_event_name(text, length))
        return "the event name must be \"Service.Event\" (letters, digits and underscores)";
    if (length >= strlen(own_service) && memcmp(text, own_service, strlen(own_service)) == 0)
        return "the service \"Webhook\" is reserved for events about subscriptions";
    return NULL;
}

const char *check_trace_id(const char *text, size_t length)
{
    static const char *const message = "the trace id must have 1 to 128 letters, digits, underscores and hyphens";
    if (length < 1 || length > 128)
        return message;
    for (size_t i = 0; i < length; i++)
        if (!is_letter_or_digit(text[i]) && text[i] != '_' && text[i] != '-')
            return message;
    return NULL;
}

const char *check_scope_id(const char *text, size_t length)
{
    return utf8_is_blank(text, length) ? "the id must not be blank" : NULL;
}
