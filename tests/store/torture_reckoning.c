/* The reckoning after the torture: what waits is brought to its end, and everything that was acknowledged is there. */
#include "torture.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static void expect_secret(struct store *store, const struct ack *ack)
{
    struct subscription subscription = {0};
    enum status status = store_subscription_get(store, &organization, &ack->subscription, &subscription);
    if (status != STATUS_OK)
        fail("an acknowledged subscription", status_name(status));
    if (secret_list_find(&subscription.secrets, ack->digest, clock_now_ms()) == NULL)
        fail("an acknowledged secret", "is not among the valid ones");
    subscription_clear(&subscription);
}

static void expect_event(struct store *store, const struct ack *ack)
{
    struct event event = {0};
    enum status status = store_event_get(store, &ack->event, &event);
    if (status != STATUS_OK || event.subscription_count != ack->deliveries)
        fail("an acknowledged event", status_name(status));
    for (size_t i = 0; i < event.subscription_count; i++) {
        struct delivery delivery = {0};
        status = store_delivery_get(store, &organization, &event.subscriptions[i], &ack->event, &delivery);
        if (status != STATUS_OK || delivery.status != DELIVERY_DELIVERED)
            fail("an accepted delivery never reached a claim", status_name(status));
    }
    event_clear(&event);
}

static void expect_settlement(struct store *store, const struct ack *ack)
{
    struct delivery delivery = {0};
    struct attempt attempt = {0};
    enum status status = store_delivery_get(store, &organization, &ack->subscription, &ack->event, &delivery);
    if (status != STATUS_OK || delivery.status != DELIVERY_DELIVERED || delivery.attempt_count != 1)
        fail("an acknowledged settlement", status_name(status));
    if (store_attempt_get(store, &ack->subscription, &ack->event, 1, &attempt) != STATUS_OK)
        fail("an acknowledged settlement", "has no attempt");
    attempt_clear(&attempt);
}

static void expect_by_hand(struct store *store, const struct ack *ack)
{
    struct delivery delivery = {0};
    enum delivery_status expected = ack->kind == ACK_CANCELLED ? DELIVERY_CANCELLED : DELIVERY_DELIVERED;
    enum status status = store_delivery_get(store, &organization, &ack->subscription, &ack->event, &delivery);
    if (status != STATUS_OK || delivery.status != expected)
        fail("what was done by hand",
             status == STATUS_OK ? delivery_status_name(delivery.status) : status_name(status));
}

/* The one that was asked for, or a later one; and it was found by whoever looked for what is pending. */
static void expect_probe(struct store *store, const struct ack *ack)
{
    struct probe found = {.generation = 0};
    enum status status = store_probe_get(store, &organization, &ack->subscription, &found);
    if (status != STATUS_OK || found.requested_at_ms < ack->at_ms)
        fail("an acknowledged probe", status_name(status));
    if (found.status != PROBE_DONE)
        fail("an acknowledged probe", "never reached a claim");
}

static const struct claimer claimer = {.admit = admit_some};

/* Everything that waits, an hour later: no lease holds it any more. */
static void drain(struct store *store)
{
    int64_t later_ms = clock_now_ms() + 3600 * 1000;
    for (size_t count = 1; count > 0;) {
        struct claim claims[CLAIMS];
        struct settlement settlements[CLAIMS];
        int64_t next_due_ms;
        enum status status = store_claim(store, later_ms, CLAIMS, &claimer, claims, &count, &next_due_ms);
        for (size_t i = 0; status == STATUS_OK && i < count; i++)
            settlements[i] = (struct settlement){
                .claim = claims[i], .status = DELIVERY_DELIVERED, .attempt = {.number = claims[i].attempt_count + 1}};
        if (status == STATUS_OK)
            status = store_settle(store, later_ms, settlements, count);
        if (status != STATUS_OK)
            fail("draining", status_name(status));
    }
    enum status status = STATUS_OK;
    while (status == STATUS_OK)
        status = make_probe(store, later_ms, 2);
    if (status != STATUS_NOT_FOUND)
        fail("draining probes", status_name(status));
}

static unsigned long reckoned[ACK_KINDS];

static void reckon_file(struct store *store, const char *path)
{
    struct ack ack;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && read(fd, &ack, sizeof ack) == (ssize_t)sizeof ack) {
        if (ack.kind == ACK_CREATED || ack.kind == ACK_ROTATED)
            expect_secret(store, &ack);
        else if (ack.kind == ACK_PUBLISHED)
            expect_event(store, &ack);
        else if (ack.kind == ACK_PROBED)
            expect_probe(store, &ack);
        else if (ack.kind == ACK_SETTLED)
            expect_settlement(store, &ack);
        else
            expect_by_hand(store, &ack);
        reckoned[ack.kind]++;
    }
    if (fd >= 0)
        close(fd);
}

void reckon(void)
{
    struct store *store = open_store(STORE_FOR_COMMAND);
    drain(store);
    for (int i = 0; i < PEOPLE; i++)
        for (int j = 0; j < THREADS; j++) {
            char path[600];
            snprintf(path, sizeof path, "%s/%d-%d", ack_dir, i, j);
            reckon_file(store, path);
        }
    store_close(store);
    printf("torture: found again: %lu subscriptions, %lu rotations, %lu events, %lu settlements, %lu forced, %lu "
           "cancelled, %lu probes\n",
           reckoned[ACK_CREATED], reckoned[ACK_ROTATED], reckoned[ACK_PUBLISHED], reckoned[ACK_SETTLED],
           reckoned[ACK_FORCED], reckoned[ACK_CANCELLED], reckoned[ACK_PROBED]);
    for (int kind = ACK_CREATED; kind < ACK_KINDS; kind++)
        if (reckoned[kind] == 0)
            fail("nothing was acknowledged", "of at least one kind");
    struct failure failure = {""};
    if (store_check(&conf, &failure) != STATUS_OK)
        fail("store_check", failure.text);
}
