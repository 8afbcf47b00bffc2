/* Members of a JSON object that somebody else wrote, taken out by type. The first thing that is wrong is remembered, so
 * a reader takes all of its members and asks once, at the end; what is wrong or not there is 0, NULL or empty. null
 * means left out. */
#ifndef HOOKTURN_BASE_JSON_TAKE_H
#define HOOKTURN_BASE_JSON_TAKE_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/id.h"

struct json_take {
    json_object *object;
    char wrong[160]; /* "name: why"; "" as long as all is well */
};

struct json_take json_take_from(json_object *object);
bool json_take_is_ok(const struct json_take *take);
void json_take_fail(struct json_take *take, const char *member, const char *why);

enum json_need { JSON_OPTIONAL, JSON_REQUIRED };

bool json_take_has(const struct json_take *take, const char *member);
/* Borrowed; without U+0000, at most `most` bytes. NULL where it is not there. */
const char *json_take_text(struct json_take *take, const char *member, enum json_need need, size_t most);
/* `least` to `most`; `least` where it is not there. */
int64_t json_take_integer(struct json_take *take, const char *member, enum json_need need, int64_t least, int64_t most);
/* False where it is not there. */
bool json_take_bool(struct json_take *take, const char *member);
/* RFC 3339, from 1970 on; 0 where it is not there. */
int64_t json_take_time(struct json_take *take, const char *member, enum json_need need);
/* 2 * length lower-case hex digits. */
void json_take_hex(struct json_take *take, const char *member, void *out, size_t length);
void json_take_uuid(struct json_take *take, const char *member, struct uuid *out);
/* Appends the bytes of a base64 text to `out`. */
void json_take_base64(struct json_take *take, const char *member, enum json_need need, struct buf *out);
/* An array or an object, borrowed. NULL where it is not there. */
json_object *json_take_container(struct json_take *take, const char *member, enum json_need need, json_type type);

#endif
