/* What an installation holds, as records of the product in which no engine's layout shows: so an export of one store
 * can be imported into another, whatever keeps it. Indexes, queues and counts follow from these, and are made anew. */
#ifndef HOOKTURN_MODEL_EXPORT_RECORD_H
#define HOOKTURN_MODEL_EXPORT_RECORD_H

#include "base/crypto.h"
#include "model/api_key.h"
#include "model/delivery.h"
#include "model/event.h"
#include "model/probe.h"
#include "model/subscription.h"

/* In the order in which they stand in an export: each is read after what it refers to. Answers come before what they
 * tell of, so none tells of something that is not there. */
enum export_record_kind {
    EXPORT_RECORD_API_KEY,
    EXPORT_RECORD_ANSWER,
    EXPORT_RECORD_SUBSCRIPTION, /* a tombstone, too */
    EXPORT_RECORD_PROBE,        /* behind its subscription */
    EXPORT_RECORD_EVENT,
    EXPORT_RECORD_DELIVERY, /* behind its event */
    EXPORT_RECORD_ATTEMPT,  /* behind its delivery */
    EXPORT_RECORD_KINDS
};
/* "api_key" and so on. */
const char *export_record_kind_name(enum export_record_kind kind);

/* What is kept for a repeated request. */
struct kept_answer {
    unsigned char key[SHA256_BYTES];
    unsigned char fingerprint[SHA256_BYTES];
    int64_t expires_at_ms;
    struct buf sealed; /* associated data: the key */
};

struct export_record {
    enum export_record_kind kind;
    union {
        struct api_key api_key;
        struct kept_answer answer;
        struct {
            struct subscription subscription;
            int64_t failing_since_ms; /* since when it has done nothing but fail; 0: it has not */
        };
        struct probe probe; /* not PROBE_VOID */
        struct event event; /* expanded_count is not used: each of its deliveries is a record */
        struct delivery delivery;
        struct {
            struct object_id subscription_id;
            struct object_id event_id;
            struct attempt attempt;
        };
    };
};

/* Frees and cleanses all that it owns. */
void export_record_clear(struct export_record *item);

#endif
