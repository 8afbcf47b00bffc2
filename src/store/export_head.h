/* The first and the last line of an export. Both begin with EXPORT_MARK, which no record does. */
#ifndef HOOKTURN_STORE_EXPORT_HEAD_H
#define HOOKTURN_STORE_EXPORT_HEAD_H

#include <stdbool.h>
#include <stdint.h>

#include "base/keyring.h"
#include "model/export_record.h"

#define EXPORT_MARK "{\"hookturn\":"
enum { EXPORT_FORMAT = 1 };

/* {"hookturn":"export","format":1,"version":"0.1.0","made_at":"…","secrets":"encrypted","key_fingerprint":"<16 hex>",
 *  "counts":{"api_key":1,…}} */
struct export_head {
    int64_t made_at_ms;
    bool is_plain;
    char fingerprint[KEYRING_FINGERPRINT]; /* of the key that secrets are sealed under; "" where they are plain */
    uint64_t counts[EXPORT_RECORD_KINDS];  /* as they were counted before; the tail has the exact ones */
};

/* {"hookturn":"end","lines":4711,"counts":{"api_key":1,…},"unreadable":0,"sha256":"<64 hex>"} */
struct export_tail {
    uint64_t lines; /* before this one, the head included */
    uint64_t counts[EXPORT_RECORD_KINDS];
    uint64_t unreadable;                /* records of the store that are not in the export because they are damaged */
    unsigned char digest[SHA256_BYTES]; /* of all bytes before this line */
};

/* Append the line without its end. */
void export_head_format(const struct export_head *head, struct buf *out);
void export_tail_format(const struct export_tail *tail, struct buf *out);
/* STATUS_VERSION: of a newer format. STATUS_INVALID: it is no such line. */
enum status export_head_parse(struct slice line, struct export_head *out) MUST_USE;
enum status export_tail_parse(struct slice line, struct export_tail *out) MUST_USE;

#endif
