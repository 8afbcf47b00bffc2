/* Which subscriptions claiming looks at first. */
#ifndef HOOKTURN_STORE_BDB_BDB_AGENDA_H
#define HOOKTURN_STORE_BDB_BDB_AGENDA_H

#include "store/bdb/bdb.h"

/* Subscriptions that claiming looks at first, a bounded number; may be called from several threads. */
struct bdb_agenda *bdb_agenda_new(void);
void bdb_agenda_free(struct bdb_agenda *agenda);
/* Where the agenda is full, in place of another one, which is found by the next round over all. */
void bdb_agenda_add(struct bdb_agenda *agenda, const struct object_id *subscription_id);
void bdb_agenda_remove(struct bdb_agenda *agenda, const struct object_id *subscription_id);
/* The one behind `after`. STATUS_NOT_FOUND. */
enum status bdb_agenda_next(struct bdb_agenda *agenda, const struct object_id *after, struct object_id *out) MUST_USE;
/* A round over all subscriptions ended after so many hops; and when the next one may be made by somebody in haste, so
 * that rounds over many take a small part of the time. 0: now. */
void bdb_agenda_note_round(struct bdb_agenda *agenda, size_t hops);
int64_t bdb_agenda_round_in_ms(struct bdb_agenda *agenda);

#endif
