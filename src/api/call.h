/* One request on its way through the API: what the steps of api.c found out, for the handlers to use. */
#ifndef HOOKTURN_API_CALL_H
#define HOOKTURN_API_CALL_H

#include <stdbool.h>

#include "api/lazy_store.h"
#include "api/request.h"
#include "api/response.h"
#include "api/route.h"
#include "base/conf.h"
#include "model/api_key.h"
#include "store/store.h"

struct call {
    const struct conf *conf;
    struct lazy_store *lazy_store;
    const struct request *request;
    struct response *response;
    struct store *store; /* open wherever a key was needed, else NULL */
    struct api_key key;  /* the caller's, likewise; cleared by api.c */
    const struct route *route;
    struct slice id;                /* the segment that stood for {id} */
    struct idempotency idempotency; /* where the request came with a key */
    bool is_idempotent;
};

void call_error(struct call *call, enum api_error error, const char *message);
/* 400 with every offending member. */
void call_invalid(struct call *call, const char *message, const struct field_errors *errors);
/* The same of a body for the path's subscription; 404 where the key's organization has no such subscription, whatever
 * the body is. */
void call_invalid_for_subscription(struct call *call, const char *message, const struct field_errors *errors);
/* A verb's outcome that is not STATUS_OK; `message` NULL: the table's. What is answered with 5xx is logged. */
void call_fail(struct call *call, enum status status, const char *message);
/* The path's {id}. False: it is no id, and the request was answered with 404. */
bool call_object_id(struct call *call, struct object_id *out);
/* Likewise a delivery's, which is its subscription's and its event's. */
bool call_delivery_id(struct call *call, struct object_id *subscription_id, struct object_id *event_id);

#endif
