/* Where a request goes: URLs, literal addresses, and the operator's rules. */
#include "fuzz.h"

#include <arpa/inet.h>
#include <string.h>

#include "base/address.h"
#include "base/host.h"
#include "base/url.h"
#include "model/subscription_check.h"

static void check_the_url(const char *text, size_t size)
{
    static const struct destination_policy nothing_allowed = {NULL, 0, NULL, 0};
    struct url url;
    struct address address;
    const char *message = NULL;
    if (url_parse(text, size, &url, &message) != STATUS_OK) {
        MUST(message);
        return;
    }
    MUST(size <= URL_MAX_BYTES && url.port > 0 && !host_fault(url.host));
    MUST(strlen(url.host) <= HOST_MAX_BYTES && !strpbrk(url.host, "@/?#\\ %"));
    bool is_literal = address_parse_literal(url.host, &address) == STATUS_OK;
    if (is_literal && address_is_special(&address))
        MUST(check_url(text, size, &nothing_allowed, false));
}

static void check_the_literal(const char *text)
{
    struct address address;
    struct in_addr v4;
    struct sockaddr_in socket_address = {.sin_family = AF_INET};
    uint16_t port;
    bool is_literal = address_parse_literal(text, &address) == STATUS_OK;
    if (!inet_aton(text, &v4) || strpbrk(text, " \t\r\n\v\f"))
        return;
    MUST(is_literal); /* what the system takes for an address is one */
    struct address system;
    socket_address.sin_addr = v4;
    MUST(address_from_sockaddr((const struct sockaddr *)&socket_address, &system, &port) == STATUS_OK);
    MUST(memcmp(system.bytes, address.bytes, sizeof system.bytes) == 0);
}

static void check_the_rule(const char *text)
{
    struct destination_rule rule;
    struct address address = {{0}};
    if (destination_rule_parse(text, &rule) != STATUS_OK)
        return;
    MUST(rule.host || (rule.prefix >= 0 && rule.prefix <= 128));
    const struct destination_policy policy = {&rule, 1, NULL, 0};
    (void)destination_is_allowed(&policy, "example.org", &address, 443);
    destination_rule_clear(&rule);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = strndup((const char *)data, size);
    MUST(text);
    check_the_url((const char *)data, size);
    check_the_literal(text);
    check_the_rule(text);
    free(text);
    return 0;
}
