/* One record of each kind with every member set, for the tests of the bytes. The caller clears what is made. */
#ifndef HOOKTURN_TESTS_UNIT_RECORD_SAMPLES_H
#define HOOKTURN_TESTS_UNIT_RECORD_SAMPLES_H

#include <string.h>

#include "base/mem.h"
#include "model/record.h"

static inline void fill(void *bytes, size_t length, unsigned char first)
{
    for (size_t i = 0; i < length; i++)
        ((unsigned char *)bytes)[i] = (unsigned char)(first + i);
}

static inline void make_api_key(struct api_key *key)
{
    *key = (struct api_key){.created_user_id = mem_strdup("user-1"),
                            .name = mem_strdup("n\xc3\xa4me"),
                            .scopes = API_SCOPE_MANAGE | API_SCOPE_OPERATE,
                            .created_at_ms = 1,
                            .expires_at_ms = 2,
                            .revoked_at_ms = INT64_MAX};
    fill(key->id.bytes, sizeof key->id.bytes, 1);
    fill(key->digest, sizeof key->digest, 40);
    fill(key->organization_id.bytes, sizeof key->organization_id.bytes, 90);
}

static inline void add_secret(struct secret_list *list, int64_t expires_at_ms)
{
    struct secret *secret = &list->items[list->count++];
    *secret = (struct secret){.created_at_ms = 100 - (int64_t)list->count, .expires_at_ms = expires_at_ms};
    fill(secret->digest, sizeof secret->digest, (unsigned char)list->count);
    buf_append(&secret->sealed, "\0sealed\xff", 8);
}

static inline void make_subscription(struct subscription *subscription)
{
    *subscription = (struct subscription){.version = UINT64_MAX,
                                          .created_user_id = mem_strdup("user-1"),
                                          .name = mem_strdup("hooks"),
                                          .url = mem_strdup("https://example.com/"),
                                          .active = true,
                                          .disabled_reason = DISABLED_FAILING,
                                          .activated_at_ms = 4,
                                          .description = mem_strdup(""),
                                          .request_timeout_ms = 60000,
                                          .created_at_ms = 5,
                                          .updated_at_ms = 6,
                                          .retry_policy = {true, RETRY_FIXED_DELAY, 20, 86400000}};
    fill(subscription->id.bytes, sizeof subscription->id.bytes, 1);
    fill(subscription->organization_id.bytes, sizeof subscription->organization_id.bytes, 50);
    text_list_add(&subscription->events, "Call.*", 6);
    text_list_add(&subscription->events, "Agent.Made", 10);
    text_list_add(&subscription->agent_ids, "a", 1);
    text_list_add(&subscription->workspace_ids, "w", 1);
    buf_append(&subscription->sealed_headers, "\0\1\2", 3);
    add_secret(&subscription->secrets, 0);
    add_secret(&subscription->secrets, 999);
    add_secret(&subscription->secrets, 888);
}

static inline void make_event(struct event *event)
{
    *event = (struct event){.created_at_ms = 77,
                            .name = mem_strdup("Call.Ended"),
                            .trace_id = mem_strdup("t"),
                            .agent_id = mem_strdup("a"),
                            .subscription_count = 3,
                            .expanded_count = 2};
    fill(event->id.bytes, sizeof event->id.bytes, 1);
    fill(event->organization_id.bytes, sizeof event->organization_id.bytes, 50);
    buf_append_text(&event->body, "{\"payload\":{}}");
    event->subscriptions = mem_calloc(3, sizeof *event->subscriptions);
    for (unsigned char i = 0; i < 3; i++)
        fill(event->subscriptions[i].bytes, OBJECT_ID_BYTES, (unsigned char)(100 + i));
}

static inline void make_attempt(struct attempt *attempt)
{
    *attempt = (struct attempt){.number = 3,
                                .started_at_ms = 10,
                                .duration_ms = 20,
                                .response_status = 503,
                                .error = ATTEMPT_TOO_LARGE,
                                .signature_count = 2};
    buf_append_text(&attempt->response_headers, "A: b\r\n");
    buf_append(&attempt->response_body, "x\0y", 3);
}

/* No heap: nothing to clear. */
static const struct delivery whole_delivery = {.status = DELIVERY_FAILED,
                                               .generation = UINT32_MAX,
                                               .lease_until_ms = -1,
                                               .attempt_count = 4,
                                               .budget_used = 3,
                                               .next_attempt_at_ms = INT64_MAX,
                                               .created_at_ms = INT64_MIN,
                                               .finished_at_ms = 9,
                                               .is_forced = true,
                                               .organization_id = {{1, 2, 3}}};

static const struct probe whole_probe = {.organization_id = {{4, 5, 6}},
                                         .status = PROBE_VOID,
                                         .generation = UINT32_MAX,
                                         .lease_until_ms = 7,
                                         .requested_at_ms = INT64_MIN,
                                         .finished_at_ms = INT64_MAX,
                                         .replies = {{204, ATTEMPT_NO_ERROR, 12}, {0, ATTEMPT_PROTOCOL, INT64_MAX}}};

#endif
