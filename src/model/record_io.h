/* What all records are made of: big-endian integers, texts and blobs with their length. Writers append to a buffer.
 * A reader remembers its first failure and reads zeros and NULLs from then on, so a decoder reads all of its fields and
 * asks once, at the end. */
#ifndef HOOKTURN_MODEL_RECORD_IO_H
#define HOOKTURN_MODEL_RECORD_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/status.h"
#include "model/subscription.h"

/* A text is at least its length, a blob likewise; an optional text has one byte more. */
enum { RECORD_VERSION = 1, RECORD_TEXT_MIN_BYTES = 4 };

/* The first byte of a record whose form has never changed; one whose form has writes its own number. */
void record_write_version(struct buf *out);
void record_write_bool(struct buf *out, bool value);
void record_write_u8(struct buf *out, unsigned value);
void record_write_u32(struct buf *out, uint32_t value);
void record_write_u64(struct buf *out, uint64_t value);
void record_write_i32(struct buf *out, int32_t value);
void record_write_i64(struct buf *out, int64_t value);
/* How many items follow; as a u32. */
void record_write_count(struct buf *out, size_t count);
/* So many bytes, without a length. */
void record_write_bytes(struct buf *out, const void *bytes, size_t length);
void record_write_blob(struct buf *out, struct slice blob);
/* Not NULL. */
void record_write_text(struct buf *out, const char *text);
/* NULL and "" are different. */
void record_write_optional_text(struct buf *out, const char *text);
void record_write_text_list(struct buf *out, const struct text_list *list);

struct record_reader {
    const unsigned char *at;
    size_t left;
    enum status status;
};

/* Reads the version byte as well: STATUS_VERSION for a newer one. */
struct record_reader record_reader_init(struct slice bytes);
/* Likewise for a record of which there are several versions, up to `newest`; *version is that of these bytes (0 after a
 * failure). */
struct record_reader record_reader_init_versions(struct slice bytes, unsigned newest, unsigned *version);
bool record_reader_is_ok(const struct record_reader *reader);
/* A field has a value that it cannot have. */
void record_reader_fail(struct record_reader *reader);
/* STATUS_CORRUPT also where bytes are left over. */
enum status record_reader_finish(struct record_reader *reader) MUST_USE;

/* 0 or 1. */
bool record_read_bool(struct record_reader *reader);
/* `least` to `most`: for enumerations. */
unsigned record_read_u8(struct record_reader *reader, unsigned least, unsigned most);
uint32_t record_read_u32(struct record_reader *reader);
uint64_t record_read_u64(struct record_reader *reader);
int32_t record_read_i32(struct record_reader *reader);
int64_t record_read_i64(struct record_reader *reader);
/* A count whose items, of at least `item_bytes` each, can still follow; 0 after a failure. */
size_t record_read_count(struct record_reader *reader, size_t item_bytes);
/* `out` is zeroed after a failure. */
void record_read_bytes(struct record_reader *reader, void *out, size_t length);
/* Appends to `out`, at most `most` bytes. */
void record_read_blob(struct record_reader *reader, size_t most, struct buf *out);
/* The caller frees. NULL after a failure alone; a text with a NUL in it is one. */
char *record_read_text(struct record_reader *reader);
/* NULL also where none was written. */
char *record_read_optional_text(struct record_reader *reader);
/* Appends to `out`, which the caller clears. */
void record_read_text_list(struct record_reader *reader, struct text_list *out);

#endif
