/* Bodies in: the members of a JSON object become typed values, and every member that is not allowed is named, all of
 * them at once. A message is a sentence for the client (static); NULL means that all is well. */
#ifndef HOOKTURN_API_INPUT_H
#define HOOKTURN_API_INPUT_H

#include <json-c/json.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "api/response.h"
#include "base/buf.h"
#include "base/json_scan.h"
#include "model/subscription.h"

/* A member that is there and not null. Lasts as long as its `read` runs; what `span` borrows from lasts longer. */
struct input_member {
    const struct json_span *span; /* where it stands in the body; NULL for a member of a member */
    json_object *value;           /* as json-c reads it; NULL where it is opaque */
};

/* One member that is looked at; others are ignored. */
struct input_field {
    const char *name; /* as details.fields names it; behind its last dot stands the member's own name */
    bool is_required;
    bool is_opaque; /* may hold whatever the grammar allows, and is not read by json-c */
    const char *(*read)(void *context, const struct input_member *member); /* replaces what the context held */
    void (*reset)(void *context); /* to the default; NULL where it is required, or where no patch may come */
};

enum input_mode {
    INPUT_WHOLE, /* what is left out has the default that the context begins with */
    INPUT_PATCH  /* what is left out stays as it is, null brings the default back (RFC 7396) */
};

/* Scans a body that must be an object; on success clear `out` with json_scan_clear. */
const char *input_scan(struct slice body, struct json_scan *out);
/* Calls each field's `read` with its member, in the table's order. Null is never handed to it. */
void input_read_fields(const struct json_scan *scan, const struct input_field *fields, size_t count,
                       enum input_mode mode, void *context, struct field_errors *errors);
/* The same for an object that is a member's value; what is left out stays as it is. Where a name stands twice the last
 * one counts. */
void input_read_members(json_object *object, const struct input_field *fields, size_t count, void *context,
                        struct field_errors *errors);

/* A rule for a text, as in model/subscription_check.h. */
typedef const char *(*input_check)(const char *text, size_t length);

/* Values may be NULL, which is an array's null. Outputs are set on success alone. */
const char *input_bool(json_object *value, bool *out);
/* A whole number, however it is written, from `min` to `max` (both below 2^53); `message` says so. */
const char *input_integer(json_object *value, int64_t min, int64_t max, const char *message, int64_t *out);
/* Borrows from the value; terminated, and without a NUL before that. */
const char *input_text(json_object *value, struct slice *out);
/* *out is the caller's to free; a former value is freed. */
const char *input_checked_text(json_object *value, input_check check, char **out);
/* At most `max` texts; `message` says so. Appends to `out`, also what stands before a bad element. */
const char *input_text_array(json_object *value, size_t max, const char *message, input_check check,
                             struct text_list *out);

#endif
