/* Records of an export as lines of JSON, in both directions. docs/export-format.md describes them. */
#ifndef HOOKTURN_MODEL_EXPORT_RECORD_JSON_H
#define HOOKTURN_MODEL_EXPORT_RECORD_JSON_H

#include "base/keyring.h"
#include "model/export_record.h"

/* What becomes of what is sealed in the store: signing secrets, subscribers' header values, kept answers. */
struct export_record_form {
    const struct keyring *keyring;
    bool is_plain;               /* it is in clear in the line; else sealed */
    char key_name[KEYRING_NAME]; /* for writing what is sealed: under this key alone */
};

/* How deep a line nests at most. */
enum { EXPORT_RECORD_JSON_DEPTH = 8 };

/* Appends the line, without its end. STATUS_CORRUPT: what is sealed in it does not open. STATUS_CONFLICT: the ring
 * seals under another key than key_name by now. In both cases nothing is appended. */
enum status export_record_format(const struct export_record *item, const struct export_record_form *form,
                                 struct buf *out) MUST_USE;

/* The line without its end. What is in clear in it is sealed in `out`. STATUS_INVALID: it is no record that could have
 * been exported, or what is sealed in it does not open; with a failure text, which quotes nothing of the line. */
enum status export_record_parse(struct slice line, const struct export_record_form *form, struct export_record *out,
                                struct failure *failure) MUST_USE;

#endif
