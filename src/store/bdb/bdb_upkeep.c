/* Housekeeping: one pass is the stages of the table, one after the other, each in many small steps. */
#include "store/bdb/bdb_upkeep.h"

#include <assert.h>

_Static_assert(sizeof((struct upkeep_state *)0)->place > BDB_KEY_MAX, "a key and the byte that leads behind it");

static const bdb_upkeep_stage stages[] = {bdb_upkeep_waiting, bdb_upkeep_events, bdb_upkeep_answers,
                                          bdb_upkeep_subscriptions};
enum { STAGES = sizeof stages / sizeof stages[0], STAGES_OF_WAITING = 1 };

void bdb_upkeep_go_on_at(struct upkeep_state *state, const struct bdb_key *key)
{
    memcpy(state->place, key->bytes, key->length);
    state->place_length = key->length;
}

void bdb_upkeep_go_on_behind(struct upkeep_state *state, const struct bdb_key *key)
{
    assert(key->length < BDB_KEY_MAX);
    bdb_upkeep_go_on_at(state, key);
    state->place[state->place_length++] = 0; /* no key stands between one and the same with a zero behind it */
}

struct bdb_key bdb_upkeep_place(const struct upkeep_state *state)
{
    struct bdb_key key = {.length = 0};
    bdb_key_add(&key, state->place, state->place_length);
    return key;
}

static void begin_stage(struct upkeep_state *state, unsigned stage)
{
    *state = (struct upkeep_state){.only_waiting = state->only_waiting, .stage = stage};
}

enum status bdb_upkeep(struct store *store, int64_t now_ms, const struct upkeep_limits *limits,
                       struct upkeep_state *state, struct upkeep_counts *counts, bool *is_done)
{
    struct bdb_upkeep upkeep = {bdb_of(store), now_ms, now_ms - limits->retention_ms, limits, state, counts};
    bool is_over = false;
    enum status status = stages[state->stage](&upkeep, &is_over);
    if (status != STATUS_OK)
        return status;
    if (is_over)
        begin_stage(state, state->stage + 1);
    *is_done = state->stage >= (state->only_waiting ? STAGES_OF_WAITING : STAGES);
    if (*is_done)
        begin_stage(state, 0);
    return STATUS_OK;
}
