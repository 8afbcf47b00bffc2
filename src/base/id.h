/* Identifiers: 12-byte object ids (24 lower-case hex digits) and UUIDs (RFC 9562). */
#ifndef HOOKTURN_BASE_ID_H
#define HOOKTURN_BASE_ID_H

#include <stdbool.h>
#include <stdint.h>

#include "base/status.h"

enum { OBJECT_ID_BYTES = 12, OBJECT_ID_TEXT = 25, UUID_BYTES = 16, UUID_TEXT = 37 }; /* text sizes include the NUL */

struct object_id {
    unsigned char bytes[OBJECT_ID_BYTES];
};

struct uuid {
    unsigned char bytes[UUID_BYTES];
};

/* `out` has OBJECT_ID_TEXT bytes. */
void object_id_format(const struct object_id *id, char *out);
/* Exactly 24 lower-case hex digits and nothing behind them, else STATUS_INVALID. */
enum status object_id_parse(const char *text, struct object_id *out) MUST_USE;
/* 6 bytes of `now_ms`, big-endian, then 6 random bytes: sorts by time. */
void object_id_make(int64_t now_ms, struct object_id *out);
/* For what several processes write at once: 1 byte lane, less than OBJECT_ID_LANES, 6 bytes of `now_ms`, big-endian,
 * then 10 bits that say how far into that millisecond it is, in microseconds, and 30 random bits. Sorts by time within
 * a lane, so that writers of different lanes do not meet on one page. */
enum { OBJECT_ID_LANES = 16 };
void object_id_make_lane(unsigned lane, int64_t now_ms, struct object_id *out);
/* The id that sorts next after `id` (big-endian addition of 1). */
void object_id_increment(struct object_id *id);
int object_id_compare(const struct object_id *a, const struct object_id *b);
/* Of ids with a lane: by time, then by the random part, then by lane. */
int object_id_compare_time(const struct object_id *a, const struct object_id *b);
/* The time in an id with a lane. */
int64_t object_id_lane_time_ms(const struct object_id *id);

/* `out` has UUID_TEXT bytes; lower case. */
void uuid_format(const struct uuid *uuid, char *out);
/* The 8-4-4-4-12 form, either case. STATUS_INVALID otherwise. */
enum status uuid_parse(const char *text, struct uuid *out) MUST_USE;
/* Version 4. */
void uuid_make(struct uuid *out);

#endif
