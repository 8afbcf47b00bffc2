/* A probe: is the receiver ready for the newest secret alone? Two requests, and what their answers say together. */
#ifndef HOOKTURN_MODEL_PROBE_H
#define HOOKTURN_MODEL_PROBE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/id.h"
#include "model/delivery.h"

/* PROBE_VOID: it ended without a result, because signing was switched off, or the subscription deleted, before it was
 * made. For a client there is no probe then. */
enum probe_status { PROBE_PENDING = 1, PROBE_DONE, PROBE_VOID };
/* "PENDING" or "DONE". */
const char *probe_status_name(enum probe_status status);

/* The two requests, in the order in which they are made. */
enum probe_part {
    PROBE_NEW_SECRET, /* signed with the newest secret alone */
    PROBE_FORGED,     /* signed with a random secret that nobody knows */
    PROBE_PARTS
};

/* How one of them ended. */
struct probe_reply {
    int32_t response_status; /* 0: none arrived */
    enum attempt_error error;
    int64_t duration_ms;
};
/* Whether the receiver gave a whole answer; else `error` says why there is none. */
bool probe_reply_is_answer(const struct probe_reply *reply);

/* The subscription is the record's key. */
struct probe {
    struct object_id subscription_id;
    struct uuid organization_id;
    enum probe_status status;
    uint32_t generation;    /* raised by every claim and every end, of all probes of the subscription; fences leases */
    int64_t lease_until_ms; /* 0: nobody works on it */
    int64_t requested_at_ms;
    int64_t finished_at_ms;                  /* 0: not finished */
    struct probe_reply replies[PROBE_PARTS]; /* of PROBE_DONE */
};

/* 2xx to the newest secret. */
bool probe_new_secret_accepted(const struct probe *probe);
/* The forged request got an answer that refuses it. No answer refuses nothing, nor does one that only says "not now":
 * 429, 502, 503 and 504 come from a receiver, or from what stands before it, that has not looked at the signature. */
bool probe_forged_rejected(const struct probe *probe);
/* Both. */
bool probe_is_ready(const struct probe *probe);

#endif
