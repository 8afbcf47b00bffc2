/* The stages of housekeeping. Each looks at a bounded number of rows a call, without a lock, and changes what it found
 * in one transaction, which looks again; where it stands is in the state. */
#ifndef HOOKTURN_STORE_BDB_BDB_UPKEEP_H
#define HOOKTURN_STORE_BDB_BDB_UPKEEP_H

#include "store/bdb/bdb.h"

enum { BDB_LOOK_MAX = 2000 /* rows that one step of housekeeping looks at */ };

/* One step. */
struct bdb_upkeep {
    struct bdb *bdb;
    int64_t now_ms;
    int64_t cutoff_ms; /* what was before then is older than the retention */
    const struct upkeep_limits *limits;
    struct upkeep_state *state;
    struct upkeep_counts *counts; /* to be added to, by what was committed */
};

/* *is_over: the stage has been gone through; else the next call goes on. */
typedef enum status (*bdb_upkeep_stage)(struct bdb_upkeep *upkeep, bool *is_over);

/* The oldest deliveries beyond limits->max_waiting of each subscription are cancelled. */
enum status bdb_upkeep_waiting(struct bdb_upkeep *upkeep, bool *is_over) MUST_USE;
/* Each lane's events that are older than the retention, with their deliveries. */
enum status bdb_upkeep_events(struct bdb_upkeep *upkeep, bool *is_over) MUST_USE;
/* Kept answers whose time is over. */
enum status bdb_upkeep_answers(struct bdb_upkeep *upkeep, bool *is_over) MUST_USE;
/* Deleted subscriptions that nothing refers to any more. */
enum status bdb_upkeep_subscriptions(struct bdb_upkeep *upkeep, bool *is_over) MUST_USE;

/* Where the stage goes on: at a key, and just behind it. */
void bdb_upkeep_go_on_at(struct upkeep_state *state, const struct bdb_key *key);
void bdb_upkeep_go_on_behind(struct upkeep_state *state, const struct bdb_key *key);
struct bdb_key bdb_upkeep_place(const struct upkeep_state *state);

#endif
