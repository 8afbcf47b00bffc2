/* The handlers that the route table names. Everything common has happened before: the key is valid and has the scope,
 * the body is there, within its limit and said to be JSON. Each leaves one complete answer in call->response. */
#ifndef HOOKTURN_API_HANDLE_H
#define HOOKTURN_API_HANDLE_H

struct call;

void handle_subscription_create(struct call *call);
void handle_subscription_get(struct call *call);
void handle_subscription_put(struct call *call);
void handle_subscription_patch(struct call *call);
void handle_subscription_delete(struct call *call);
void handle_subscription_list(struct call *call);
void handle_secret_rotate(struct call *call);
void handle_secret_revoke(struct call *call);
void handle_delivery_list(struct call *call);
void handle_recover(struct call *call);
void handle_test(struct call *call);
void handle_delivery_get(struct call *call);
void handle_delivery_retry(struct call *call);
void handle_delivery_cancel(struct call *call);
void handle_probe_request(struct call *call);
void handle_probe_get(struct call *call);
void handle_event_publish(struct call *call);
void handle_event_publish_batch(struct call *call);
void handle_event_get(struct call *call);
void handle_whoami(struct call *call);
void handle_healthz(struct call *call);
void handle_metrics(struct call *call);
void handle_openapi(struct call *call);

#endif
