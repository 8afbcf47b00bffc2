/* Request to response. api.c reads as the flow. */
#ifndef HOOKTURN_API_API_H
#define HOOKTURN_API_API_H

#include <stdbool.h>

#include "api/request.h"
#include "api/response.h"
#include "base/conf.h"
#include "store/store.h"

struct api;

/* `role`: STORE_FOR_REQUEST, or STORE_FOR_ONE_REQUEST. Borrows `conf` for its life. The store is opened by the first
 * request that needs it, once; where that fails, requests are answered with 503 and the next one tries again. */
struct api *api_new(const struct conf *conf, enum store_role role);
/* Closes the store. */
void api_free(struct api *api);
/* Thread-safe. `response` was set up with response_init. */
void api_handle(struct api *api, const struct request *request, struct response *response);
/* store_maintain where the store is open; about once a second, or after a plain CGI answer. */
void api_maintain(struct api *api);
/* The store was opened and must be left: it answers no more, and this process is ended within a moment. */
bool api_must_leave(struct api *api);

#endif
