/* Shared by the readers of an export's records, export_record_read*.c, alone. As json_take.h: what is wrong is
 * remembered.
 */
#ifndef HOOKTURN_MODEL_EXPORT_RECORD_TAKE_H
#define HOOKTURN_MODEL_EXPORT_RECORD_TAKE_H

#include "base/json_take.h"
#include "model/export_record_json.h"

/* In bytes. */
enum { EXPORT_RECORD_WORD_MAX = 32, EXPORT_RECORD_LABEL_MAX = 1020, EXPORT_RECORD_SCOPE_ID_MAX = 128 * 1024 };

/* NULL: allowed. One of subscription_check.h. */
typedef const char *(*export_record_check)(const char *text, size_t length);

void export_record_take_id(struct json_take *take, const char *member, struct object_id *out);
/* The caller frees. NULL for what is optional and not there alone. */
char *export_record_take_copy(struct json_take *take, const char *member, enum json_need need, size_t most);
/* 0 where it is not there. At most EXPORT_RECORD_COUNT_MAX: the store counts on from there. */
enum { EXPORT_RECORD_COUNT_MAX = 1000000000 };
uint32_t export_record_take_count(struct json_take *take, const char *member);
/* The text of `member`, or the bytes of `coded`, which are base64. */
void export_record_take_bytes(struct json_take *take, const char *member, const char *coded, struct buf *out);
/* Notes what `check` has against a text; NULL is allowed. */
void export_record_take_hold(struct json_take *take, const char *member, const char *text, export_record_check check);
/* At most `most` texts, each of which passes `check`. */
void export_record_take_text_list(struct json_take *take, const char *member, size_t most, export_record_check check,
                                  struct text_list *out);
/* The bytes of the member `sealed`, which open at that place; or in a plain form those of `plain`, sealed. */
void export_record_take_sealed(struct json_take *take, const struct export_record_form *form, struct slice place,
                               struct buf *out);

/* ---- export_record_read_subscription.c ---- */

void export_record_read_subscription(struct json_take *take, const struct export_record_form *form,
                                     struct export_record *out);

#endif
