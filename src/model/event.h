/* An event as published, and whom it concerns. */
#ifndef HOOKTURN_MODEL_EVENT_H
#define HOOKTURN_MODEL_EVENT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"
#include "model/subscription.h"

struct event {
    struct object_id id;
    struct uuid organization_id;
    int64_t created_at_ms;
    char *name;                      /* "Service.Event" */
    char *trace_id;                  /* 1-128 of [A-Za-z0-9_-] */
    char *agent_id;                  /* NULL: none */
    char *workspace_id;              /* NULL: none */
    struct buf body;                 /* what receivers get, byte for byte */
    struct object_id *subscriptions; /* those that matched when it was published: its deliveries; heap */
    size_t subscription_count;
    size_t expanded_count; /* so many of them have a delivery row */
};

/* What each of its deliveries shows of it. */
enum { EVENT_WORD_SIZE = 129 }; /* names and trace ids have at most 128 bytes */
struct event_head {
    struct uuid organization_id;
    char name[EVENT_WORD_SIZE];
    char trace_id[EVENT_WORD_SIZE];
};

/* The event that somebody has sent to a subscription to see whether it arrives. */
#define EVENT_NAME_TEST "Webhook.Test"

void event_clear(struct event *event);
/* STATUS_CORRUPT: a word is too long for a head. */
enum status event_take_head(const struct event *event, struct event_head *out) MUST_USE;
/* A trace id where the publisher gave none: a UUID. The caller frees. */
char *event_trace_id_make(void);
/* Fills `event->body` from the other members:
 * {"organizationId":"…","traceId":"…","eventName":"…","timestamp":<seconds>.<3 digits>,"payload":<bytes>} */
void event_compose_body(struct event *event, struct slice payload);
/* Makes an EVENT_NAME_TEST of one that has id, organization and time: gives it name, trace id, and a body whose payload
 * says what it is and names the subscription. */
void event_fill_in_test(struct event *event, const struct object_id *subscription_id);
/* The payload's bytes within `event->body`; borrows. STATUS_CORRUPT: that is no body of ours. */
enum status event_payload(const struct event *event, struct slice *out) MUST_USE;
/* Whether it is of the service "Webhook", whose events tell a customer about their own subscriptions. */
bool event_name_is_own(const char *name);
/* Appends what its publisher is told, through whichever door it came:
 * {"event_id","trace_id","event_name","delivery_count","created_at"} */
void event_append_accepted(const struct event *event, struct buf *out);
/* Whether the subscription's filter names the event and its scope covers it. Events of the service "Webhook" match only
 * where they are named in full. Paused subscriptions match, deleted ones do not. */
bool event_matches(const struct event *event, const struct subscription *subscription);

#endif
