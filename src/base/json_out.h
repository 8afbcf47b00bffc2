/* JSON out: json-c's objects, with two things added: running out of memory ends the process, and no text stays behind
 * in memory that is let go. Signing secrets are never put in here. */
#ifndef HOOKTURN_BASE_JSON_OUT_H
#define HOOKTURN_BASE_JSON_OUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"

/* The outermost object; ends with json_out_end, as does an outermost array. */
json_object *json_out_new(void);

/* `name` is the member's, NULL where `parent` is an array. Texts are valid UTF-8. What is returned belongs to `parent`.
 */
json_object *json_out_object(json_object *parent, const char *name);
json_object *json_out_array(json_object *parent, const char *name);
void json_out_text(json_object *parent, const char *name, const char *text);
/* What a stranger wrote: each byte that is no UTF-8 becomes U+FFFD. */
void json_out_bytes(json_object *parent, const char *name, struct slice bytes);
void json_out_integer(json_object *parent, const char *name, int64_t value);
void json_out_bool(json_object *parent, const char *name, bool value);
/* RFC 3339, as a string. */
void json_out_time(json_object *parent, const char *name, int64_t time_ms);
/* The same, and nothing for 0, which stands for a time that is not set. */
void json_out_set_time(json_object *parent, const char *name, int64_t time_ms);

/* Appends the value's text to `out`, then json_out_wipe. */
void json_out_end(json_object *object, struct buf *out);
/* Overwrites every string in the value, and lets it go. */
void json_out_wipe(json_object *value);

#endif
