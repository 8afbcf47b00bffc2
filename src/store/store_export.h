/* The store's contract, third part: everything as lines, out and in again. Included by store.h, whose first comment
 * holds for these verbs as well. The lines are those of model/export_record_json.h between those of
 * store/export_head.h. */
#ifndef HOOKTURN_STORE_STORE_EXPORT_H
#define HOOKTURN_STORE_STORE_EXPORT_H

#include "store/export_head.h"
#include "store/store.h"

/* The longest line: an event with the largest body that can be configured, and its list. */
enum { EXPORT_LINE_MAX = 64 * 1024 * 1024 };

/* ---- out ---- */

/* Takes bytes as they come, in pieces of some ten thousand. Any status but STATUS_OK ends the export, which returns it.
 */
struct export_target {
    enum status (*write)(void *context, struct slice bytes);
    void *context;
};

struct store_exported {
    uint64_t records;
    uint64_t unreadable; /* damaged ones, which are left out */
    char fingerprint[KEYRING_FINGERPRINT];
};

/* Writes everything while everybody works, with nothing locked while the target takes its time. What was answered
 * before the call is in it, each record as it was at one moment; what changes meanwhile is in it as it was before or
 * after. Each delivery stands with its event, each attempt with its delivery. `is_plain`: secrets, header values and
 * kept answers are in clear. STATUS_CONFLICT: stopped, or the master key was changed meanwhile. Either with a failure
 * text; it is empty where the store or the target is to blame. */
enum status store_export(struct store *store, bool is_plain, const struct export_target *target,
                         const struct store_progress *progress, struct store_exported *out,
                         struct failure *failure) MUST_USE;

/* ---- in ---- */

enum import_outcome {
    IMPORT_ADDED,
    IMPORT_UPDATED,  /* the store had an earlier state of it */
    IMPORT_SAME,     /* it was there */
    IMPORT_KEPT,     /* the store has a later state of it, or another one of the same age */
    IMPORT_LEFT_OUT, /* its time is over, or what it belongs to is not in the store */
    IMPORT_OUTCOMES
};

struct store_imported {
    uint64_t records; /* that were read */
    uint64_t outcomes[IMPORT_OUTCOMES];
};

/* Reads an export and puts it into the store while everybody works, some hundred records in one transaction, each
 * synced before the next begins. Nothing that is not in the file is touched, nothing is replaced by an earlier state of
 * it, and putting the same file again changes nothing: so after a failure, or a death, it is done again from the start.
 * `is_rehearsal`: everything is read and verified, and nothing put. `read` as in base/lines.h; STATUS_CONFLICT from it:
 * stopped. *out is set in any case.
 * STATUS_DENIED: secrets are sealed under a key that this installation has not. STATUS_VERSION: of a newer hookturn.
 * STATUS_INVALID: it is no export; a line is wrong; it does not end as it must. STATUS_EXISTS: a name is taken.
 * STATUS_CONFLICT: stopped. Each with a failure text; it is empty where the store, or `read`, is to blame. */
enum status store_import(struct store *store, bool is_rehearsal,
                         enum status (*read)(void *context, char *out, size_t size, size_t *length), void *context,
                         const struct store_progress *progress, struct store_imported *out,
                         struct failure *failure) MUST_USE;

#endif
