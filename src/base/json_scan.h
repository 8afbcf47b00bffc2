/* A strict reader of RFC 8259 that copies nothing: it says whether bytes are JSON, and where the members of the
 * outermost object (or the elements of the outermost array) stand. What passes is then read by json-c, member by
 * member; a payload's bytes are kept as they stand. */
#ifndef HOOKTURN_BASE_JSON_SCAN_H
#define HOOKTURN_BASE_JSON_SCAN_H

#include <stdbool.h>
#include <stddef.h>

#include "base/buf.h"
#include "base/status.h"

enum {
    JSON_MAX_DEPTH = 32,
    JSON_DEPTH_LIMIT = 64,   /* what json_scan can be asked for at most */
    JSON_MAX_MEMBERS = 65536 /* in the outermost container; keeps the spans' memory in bounds */
};

enum json_kind { JSON_OBJECT, JSON_ARRAY, JSON_STRING, JSON_NUMBER, JSON_TRUE, JSON_FALSE, JSON_NULL };

/* One member of an object or element of an array. */
struct json_span {
    struct buf name;    /* the member's name, unescaped (UTF-8); empty for an array's element */
    struct slice value; /* the value's bytes, white space around it left out */
    enum json_kind kind;
    size_t value_count; /* itself and all values in it, at any depth */
    bool is_unclean;    /* a string or name in the value holds U+0000 or a lone surrogate (as an escape) */
};

struct json_scan {
    enum json_kind kind; /* of the outermost value */
    bool is_unclean;     /* of the outermost value, where it is a string */
    struct json_span *spans;
    size_t count;
};

/* One value and white space around it, valid UTF-8 without a byte order mark, containers at most `max_depth` deep (the
 * outermost is 1). For the outermost object, a member name that stands twice (compared unescaped) is refused, and so
 * is a name with U+0000 or a lone surrogate. More than JSON_MAX_MEMBERS are refused too. On STATUS_INVALID *message is
 * a sentence for the client (static). `out` borrows from `text`; free with json_scan_clear. No recursion: hostile depth
 * costs no stack. */
enum status json_scan(struct slice text, int max_depth, struct json_scan *out, const char **message) MUST_USE;
void json_scan_clear(struct json_scan *scan);
/* The member of that name, NULL where there is none. */
const struct json_span *json_scan_find(const struct json_scan *scan, const char *name);

#endif
