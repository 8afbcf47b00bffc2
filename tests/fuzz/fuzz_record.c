/* Stored records, of the kind that the first byte chooses: what is read is written so that it is read again. */
#include "fuzz.h"

#include "model/record.h"

static void read_api_key(struct slice bytes)
{
    struct api_key key, again;
    struct buf out = {0};
    if (api_key_decode(bytes, &key) != STATUS_OK)
        return;
    api_key_encode(&key, &out);
    MUST(api_key_decode(buf_slice(&out), &again) == STATUS_OK);
    api_key_clear(&again);
    api_key_clear(&key);
    buf_clear(&out);
}

static void read_subscription(struct slice bytes)
{
    struct subscription subscription, again;
    struct buf out = {0};
    if (subscription_decode(bytes, &subscription) != STATUS_OK)
        return;
    subscription_encode(&subscription, &out);
    MUST(subscription_decode(buf_slice(&out), &again) == STATUS_OK);
    MUST(again.version == subscription.version && again.secrets.count == subscription.secrets.count);
    subscription_clear(&again);
    subscription_clear(&subscription);
    buf_clear(&out);
}

static void read_event(struct slice bytes)
{
    struct event event, again;
    struct buf out = {0};
    if (event_decode(bytes, &event) != STATUS_OK)
        return;
    event_encode(&event, &out);
    MUST(event_decode(buf_slice(&out), &again) == STATUS_OK);
    MUST(again.subscription_count == event.subscription_count && again.body.length == event.body.length);
    event_clear(&again);
    event_clear(&event);
    buf_clear(&out);
}

static void read_delivery(struct slice bytes)
{
    struct delivery delivery, again;
    struct buf out = {0};
    if (delivery_decode(bytes, &delivery) != STATUS_OK)
        return;
    delivery_encode(&delivery, &out);
    MUST(delivery_decode(buf_slice(&out), &again) == STATUS_OK);
    MUST(again.status == delivery.status && again.generation == delivery.generation);
    buf_clear(&out);
}

static void read_attempt(struct slice bytes)
{
    struct attempt attempt, again;
    struct buf out = {0};
    if (attempt_decode(bytes, &attempt) != STATUS_OK)
        return;
    attempt_encode(&attempt, &out);
    MUST(attempt_decode(buf_slice(&out), &again) == STATUS_OK);
    MUST(again.number == attempt.number && again.error == attempt.error);
    attempt_clear(&again);
    attempt_clear(&attempt);
    buf_clear(&out);
}

static void read_probe(struct slice bytes)
{
    struct probe probe, again;
    struct buf out = {0};
    if (probe_decode(bytes, &probe) != STATUS_OK)
        return;
    probe_encode(&probe, &out);
    MUST(probe_decode(buf_slice(&out), &again) == STATUS_OK);
    buf_clear(&out);
}

static void (*const readers[])(struct slice bytes) = {read_api_key,  read_subscription, read_event,
                                                      read_delivery, read_attempt,      read_probe};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size > 0)
        readers[data[0] % (sizeof readers / sizeof readers[0])]((struct slice){(const char *)data + 1, size - 1});
    return 0;
}
