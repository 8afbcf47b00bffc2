/* What the parts of the torture share. */
#ifndef HOOKTURN_TESTS_STORE_TORTURE_H
#define HOOKTURN_TESTS_STORE_TORTURE_H

#include <stdatomic.h>
#include <stdnoreturn.h>
#include <sys/types.h>

#include "base/clock.h"
#include "store/store.h"

enum {
    WRITERS = 5,
    CLAIMERS = 2,
    PEOPLE = WRITERS + CLAIMERS,
    THREADS = 2, /* of each writer */
    SUBSCRIPTIONS_FIRST = 20,
    SILENCE_MAX_MS = 5000,
    CLAIMS = 64,
    ROTATIONS_MAX = 6 /* of one subscription; below the cap of valid secrets */
};

/* One acknowledged write, as a line of fixed size in its writer's file. */
enum ack_kind {
    ACK_CREATED = 1,
    ACK_ROTATED,
    ACK_PUBLISHED,
    ACK_SETTLED,
    ACK_FORCED,
    ACK_CANCELLED,
    ACK_PROBED,
    ACK_KINDS
};
struct ack {
    uint32_t kind;
    uint32_t deliveries; /* of ACK_PUBLISHED */
    int64_t at_ms;       /* of ACK_PROBED: when it was asked for */
    struct object_id subscription;
    struct object_id event;
    unsigned char digest[SHA256_BYTES]; /* of the secret that was returned */
};

/* Shared by all processes. */
struct stage {
    atomic_int_fast64_t answered_at_ms[PEOPLE][THREADS]; /* the last verb that succeeded, monotonic */
    atomic_int_fast64_t longest_silence_ms;
    atomic_uint_fast64_t verbs;
    atomic_uint_fast64_t refusals;
};

/* Made by torture.c before anybody is started. */
extern struct stage *stage;
extern struct conf conf;
extern char ack_dir[512]; /* a file in it for each thread of each person: PERSON-THREAD */
extern const struct uuid organization;

/* Ends the process. */
noreturn void fail(const char *what, const char *detail);
/* Ends it as well, where it can only be opened after a recovery. */
struct store *open_store(enum store_role role);

/* ---- torture_people.c ---- */

/* The first WRITERS of the numbers write, the others claim, until SIGTERM or the death of the one who started them. */
pid_t start_person(int number, unsigned seed);

/* ---- torture_claim.c ---- */

/* For struct claimer. */
struct admission admit_some(void *context, const struct subscription *subscription);
/* Claims a probe. Some end, some are handed back, of some the claim is forgotten, as the dice say. */
enum status make_probe(struct store *store, int64_t now_ms, unsigned dice);

/* ---- torture_reckoning.c ---- */

/* Fails where anything that was acknowledged is missing, or the store is damaged. */
void reckon(void);

#endif
