/* What all records are made of. Used by the record_*.c beside it and for sealed headers. */
#include "model/record_io.h"

#include <assert.h>
#include <string.h>

static void write_big_endian(struct buf *out, uint64_t value, size_t width)
{
    unsigned char bytes[sizeof value];
    for (size_t i = 0; i < width; i++)
        bytes[i] = (unsigned char)(value >> (8 * (width - 1 - i)));
    buf_append(out, bytes, width);
}

void record_write_version(struct buf *out)
{
    record_write_u8(out, RECORD_VERSION);
}

void record_write_bool(struct buf *out, bool value)
{
    write_big_endian(out, value, 1);
}

void record_write_u8(struct buf *out, unsigned value)
{
    assert(value <= UINT8_MAX);
    write_big_endian(out, value, 1);
}

void record_write_u32(struct buf *out, uint32_t value)
{
    write_big_endian(out, value, 4);
}

void record_write_u64(struct buf *out, uint64_t value)
{
    write_big_endian(out, value, 8);
}

void record_write_i32(struct buf *out, int32_t value)
{
    write_big_endian(out, (uint32_t)value, 4);
}

void record_write_i64(struct buf *out, int64_t value)
{
    write_big_endian(out, (uint64_t)value, 8);
}

void record_write_count(struct buf *out, size_t count)
{
    assert(count <= UINT32_MAX);
    write_big_endian(out, count, 4);
}

void record_write_bytes(struct buf *out, const void *bytes, size_t length)
{
    buf_append(out, bytes, length);
}

void record_write_blob(struct buf *out, struct slice blob)
{
    record_write_count(out, blob.length);
    buf_append_slice(out, blob);
}

void record_write_text(struct buf *out, const char *text)
{
    assert(text != NULL);
    record_write_blob(out, slice_of(text));
}

void record_write_optional_text(struct buf *out, const char *text)
{
    record_write_bool(out, text != NULL);
    if (text != NULL)
        record_write_text(out, text);
}

void record_write_text_list(struct buf *out, const struct text_list *list)
{
    record_write_count(out, list->count);
    for (size_t i = 0; i < list->count; i++)
        record_write_text(out, list->items[i]);
}

struct record_reader record_reader_init(struct slice bytes)
{
    unsigned version;
    return record_reader_init_versions(bytes, RECORD_VERSION, &version);
}

struct record_reader record_reader_init_versions(struct slice bytes, unsigned newest, unsigned *version)
{
    struct record_reader reader = {(const unsigned char *)bytes.data, bytes.length, STATUS_OK};
    unsigned found = record_read_u8(&reader, 1, UINT8_MAX);
    if (found > newest)
        reader = (struct record_reader){NULL, 0, STATUS_VERSION};
    *version = reader.status == STATUS_OK ? found : 0;
    return reader;
}

bool record_reader_is_ok(const struct record_reader *reader)
{
    return reader->status == STATUS_OK;
}

void record_reader_fail(struct record_reader *reader)
{
    if (reader->status == STATUS_OK)
        reader->status = STATUS_CORRUPT;
    reader->left = 0;
}

enum status record_reader_finish(struct record_reader *reader)
{
    if (reader->left > 0)
        record_reader_fail(reader);
    return reader->status;
}

/* The next `length` bytes; NULL where there are not so many. */
static const unsigned char *take(struct record_reader *reader, size_t length)
{
    if (reader->status != STATUS_OK || length > reader->left) {
        record_reader_fail(reader);
        return NULL;
    }
    const unsigned char *bytes = reader->at;
    reader->at += length;
    reader->left -= length;
    return bytes;
}

static uint64_t read_big_endian(struct record_reader *reader, size_t width)
{
    const unsigned char *bytes = take(reader, width);
    uint64_t value = 0;
    for (size_t i = 0; bytes != NULL && i < width; i++)
        value = value << 8 | bytes[i];
    return value;
}

bool record_read_bool(struct record_reader *reader)
{
    return record_read_u8(reader, 0, 1) != 0;
}

unsigned record_read_u8(struct record_reader *reader, unsigned least, unsigned most)
{
    unsigned value = (unsigned)read_big_endian(reader, 1);
    if (value >= least && value <= most)
        return value;
    record_reader_fail(reader);
    return 0;
}

uint32_t record_read_u32(struct record_reader *reader)
{
    return (uint32_t)read_big_endian(reader, 4);
}

uint64_t record_read_u64(struct record_reader *reader)
{
    return read_big_endian(reader, 8);
}

int32_t record_read_i32(struct record_reader *reader)
{
    return (int32_t)read_big_endian(reader, 4);
}

int64_t record_read_i64(struct record_reader *reader)
{
    return (int64_t)read_big_endian(reader, 8);
}

size_t record_read_count(struct record_reader *reader, size_t item_bytes)
{
    size_t count = record_read_u32(reader);
    if (count <= reader->left / item_bytes)
        return count;
    record_reader_fail(reader);
    return 0;
}

void record_read_bytes(struct record_reader *reader, void *out, size_t length)
{
    const unsigned char *bytes = take(reader, length);
    if (bytes != NULL)
        memcpy(out, bytes, length);
    else
        memset(out, 0, length);
}

/* Length and bytes of a text or blob, borrowed; data is NULL after a failure. */
static struct slice take_sized(struct record_reader *reader)
{
    size_t length = record_read_count(reader, 1);
    return (struct slice){(const char *)take(reader, length), length};
}

void record_read_blob(struct record_reader *reader, size_t most, struct buf *out)
{
    struct slice blob = take_sized(reader);
    if (blob.length > most)
        record_reader_fail(reader);
    else if (blob.length > 0)
        buf_append_slice(out, blob);
}

/* A text's bytes, borrowed. A NUL inside would cut the text short for whoever reads it. */
static struct slice take_text(struct record_reader *reader)
{
    struct slice text = take_sized(reader);
    if (text.data != NULL && memchr(text.data, '\0', text.length) != NULL) {
        record_reader_fail(reader);
        text.data = NULL;
    }
    return text;
}

char *record_read_text(struct record_reader *reader)
{
    struct slice text = take_text(reader);
    return text.data != NULL ? slice_dup(text) : NULL;
}

char *record_read_optional_text(struct record_reader *reader)
{
    return record_read_bool(reader) ? record_read_text(reader) : NULL;
}

void record_read_text_list(struct record_reader *reader, struct text_list *out)
{
    size_t count = record_read_count(reader, RECORD_TEXT_MIN_BYTES);
    for (size_t i = 0; i < count; i++) {
        struct slice text = take_text(reader);
        if (text.data == NULL)
            return;
        text_list_add(out, text.data, text.length);
    }
}
