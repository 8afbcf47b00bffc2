/* The address check at connect time: whatever name or spelling led there, it sees the address itself. */
#ifndef HOOKTURN_DELIVERY_GUARD_H
#define HOOKTURN_DELIVERY_GUARD_H

#include <curl/curl.h>
#include <stdbool.h>

#include "base/address.h"
#include "base/url.h"

/* One exchange's view; `policy` and `url` are borrowed. */
struct guard {
    const struct destination_policy *policy;
    const struct url *url;
    bool has_refused; /* at least one address */
};

/* Before anything is asked of a resolver: the port, and a literal address. */
bool guard_allows_url(const struct guard *guard);
/* For CURLOPT_OPENSOCKETFUNCTION; `context` is a struct guard. CURL_SOCKET_BAD for an address that is not allowed. */
curl_socket_t guard_open_socket(void *context, curlsocktype purpose, struct curl_sockaddr *to);

#endif
