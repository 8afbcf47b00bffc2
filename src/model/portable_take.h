/* Shared by the readers of an export's records, portable_read*.c, alone. As json_take.h: what is wrong is remembered.
 */
#ifndef HOOKTURN_MODEL_PORTABLE_TAKE_H
#define HOOKTURN_MODEL_PORTABLE_TAKE_H

#include "base/json_take.h"
#include "model/portable_json.h"

/* In bytes. */
enum { PORTABLE_WORD_MAX = 32, PORTABLE_LABEL_MAX = 1020, PORTABLE_SCOPE_ID_MAX = 128 * 1024 };

/* NULL: allowed. One of subscription_check.h. */
typedef const char *(*portable_check)(const char *text, size_t length);

void portable_take_id(struct json_take *take, const char *member, struct object_id *out);
/* The caller frees. NULL for what is optional and not there alone. */
char *portable_take_copy(struct json_take *take, const char *member, enum json_need need, size_t most);
/* 0 where it is not there. */
uint32_t portable_take_count(struct json_take *take, const char *member);
/* The text of `member`, or the bytes of `coded`, which are base64. */
void portable_take_bytes(struct json_take *take, const char *member, const char *coded, struct buf *out);
/* Notes what `check` has against a text; NULL is allowed. */
void portable_take_hold(struct json_take *take, const char *member, const char *text, portable_check check);
/* At most `most` texts, each of which passes `check`. */
void portable_take_text_list(struct json_take *take, const char *member, size_t most, portable_check check,
                             struct text_list *out);
/* The bytes of the member `sealed`, which open at that place; or in a plain form those of `plain`, sealed. */
void portable_take_sealed(struct json_take *take, const struct portable_form *form, struct slice place,
                          struct buf *out);

/* ---- portable_read_subscription.c ---- */

void portable_read_subscription(struct json_take *take, const struct portable_form *form, struct portable *out);

#endif
