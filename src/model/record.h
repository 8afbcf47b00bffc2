/* Records as bytes: one version byte, then the fields in fixed order, integers big-endian, texts and blobs with their
 * length. decode refuses what does not fit exactly: STATUS_CORRUPT, or STATUS_VERSION for a newer version byte. Outputs
 * own their memory; the caller clears them. */
#ifndef HOOKTURN_MODEL_RECORD_H
#define HOOKTURN_MODEL_RECORD_H

#include "base/buf.h"
#include "model/api_key.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/probe.h"
#include "model/subscription.h"

void api_key_encode(const struct api_key *key, struct buf *out);
enum status api_key_decode(struct slice bytes, struct api_key *out) MUST_USE;

void subscription_encode(const struct subscription *subscription, struct buf *out);
enum status subscription_decode(struct slice bytes, struct subscription *out) MUST_USE;

void event_encode(const struct event *event, struct buf *out);
enum status event_decode(struct slice bytes, struct event *out) MUST_USE;
/* Of a record's first EVENT_HEAD_BYTES, or as many as it has: a long body need not be read for it. */
enum { EVENT_HEAD_BYTES = 512 };
enum status event_head_decode(struct slice bytes, struct event_head *out) MUST_USE;

/* The key (subscription and event id) is not part of the bytes; decode leaves those two members alone. */
void delivery_encode(const struct delivery *delivery, struct buf *out);
enum status delivery_decode(struct slice bytes, struct delivery *out) MUST_USE;

void attempt_encode(const struct attempt *attempt, struct buf *out);
enum status attempt_decode(struct slice bytes, struct attempt *out) MUST_USE;

/* The key (subscription id) is not part of the bytes; decode leaves it alone. */
void probe_encode(const struct probe *probe, struct buf *out);
enum status probe_decode(struct slice bytes, struct probe *out) MUST_USE;

#endif
