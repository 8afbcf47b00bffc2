/* Between libcurl and the network: every socket of the sender is opened here, after its real address was looked at.
 *
 * A name that answers with one address when it is checked and another when it is used changes nothing, because nothing
 * is checked earlier than this. A kept connection was checked when it was opened; libcurl uses it again for the same
 * host and port alone, which is what a rule that names a host exempts. */
#include "delivery/guard.h"

#include <sys/socket.h>

bool guard_allows_url(const struct guard *guard)
{
    struct address literal;
    if (destination_port_is_denied(guard->policy, guard->url->port))
        return false;
    if (address_parse_literal(guard->url->host, &literal) != STATUS_OK)
        return true;
    return destination_is_allowed(guard->policy, guard->url->host, &literal, guard->url->port);
}

static bool is_allowed(const struct guard *guard, const struct sockaddr *to)
{
    struct address address;
    uint16_t port;
    return address_from_sockaddr(to, &address, &port) == STATUS_OK &&
           destination_is_allowed(guard->policy, guard->url->host, &address, port);
}

curl_socket_t guard_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to)
{
    struct guard *guard = context;
    if (purpose != CURLSOCKTYPE_IPCXN || !is_allowed(guard, &to->addr)) {
        guard->has_refused = true;
        return CURL_SOCKET_BAD;
    }
    return socket(to->family, to->socktype | SOCK_CLOEXEC, to->protocol);
}
