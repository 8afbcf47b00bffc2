/* The head of a backup as text. Whoever carried the backup about may have damaged or changed it: a name in it never
 * leads out of the backup's directory. */
#include "store/backup_head.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/mem.h"
#include "base/timestamp.h"

#define HEAD_WORD "hookturn-backup "
enum { HEAD_VERSION = 1, DIGEST_TEXT = 2 * SHA256_BYTES, WORD_MAX = 128 };

/* ---- the structure ---- */

void backup_keys_add(struct backup_keys *keys, const char *name)
{
    for (size_t i = 0; i < keys->count; i++)
        if (strcmp(keys->names[i], name) == 0)
            return;
    if (keys->count < BACKUP_KEYS_MAX)
        memcpy(keys->names[keys->count++], name, KEYRING_NAME);
}

void backup_head_clear(struct backup_head *head)
{
    free(head->files);
    *head = (struct backup_head){.made_at_ms = 0};
}

void backup_head_add_file(struct backup_head *head, const char *name, const struct tree_sum *sum)
{
    head->files = mem_realloc(head->files, head->file_count + 1, sizeof *head->files);
    struct backup_file *file = &head->files[head->file_count++];
    *file = (struct backup_file){.sum = *sum};
    memcpy(file->name, name, strlen(name) + 1);
}

const struct backup_file *backup_head_find_file(const struct backup_head *head, const char *name)
{
    for (size_t i = 0; i < head->file_count; i++)
        if (strcmp(head->files[i].name, name) == 0)
            return &head->files[i];
    return NULL;
}

/* ---- writing ---- */

void backup_head_format(const struct backup_head *head, struct buf *out)
{
    char time[TIMESTAMP_SIZE], digest[DIGEST_TEXT + 1];
    unsigned char sum[SHA256_BYTES];
    size_t start = out->length;
    timestamp_format(head->made_at_ms, time);
    buf_printf(out, HEAD_WORD "%d\nmade_at %s\nengine %s\nformat %d\nmaster_key %s\n", HEAD_VERSION, time, head->engine,
               head->format, head->fingerprint);
    for (size_t i = 0; i < head->keys.count; i++)
        buf_printf(out, "key %s\n", head->keys.names[i]);
    buf_printf(out, "records %" PRIu64 "\nunreadable %" PRIu64 "\n", head->records, head->unreadable);
    for (size_t i = 0; i < head->file_count; i++) {
        hex_encode(head->files[i].sum.digest, SHA256_BYTES, digest);
        buf_printf(out, "file %s %" PRIu64 " %s\n", digest, head->files[i].sum.bytes, head->files[i].name);
    }
    crypto_sha256(out->data + start, out->length - start, sum);
    hex_encode(sum, sizeof sum, digest);
    buf_printf(out, "end %s\n", digest);
}

/* ---- reading ---- */

static bool take_number(const char *text, uint64_t *out)
{
    enum { DIGITS_MAX = 18 };
    size_t digits = strspn(text, "0123456789");
    *out = strtoull(text, NULL, 10);
    return digits > 0 && digits <= DIGITS_MAX && text[digits] == '\0';
}

static bool copy_text(const char *text, char *out, size_t size)
{
    size_t length = strlen(text);
    if (length == 0 || length >= size)
        return false;
    memcpy(out, text, length + 1);
    return true;
}

static bool take_hex(const char *text, char *out, size_t size)
{
    return strlen(text) == size - 1 && strspn(text, "0123456789abcdef") == size - 1 && copy_text(text, out, size);
}

static bool take_made_at(const char *text, struct backup_head *head)
{
    return timestamp_parse(text, &head->made_at_ms) == STATUS_OK;
}

static bool take_engine(const char *text, struct backup_head *head)
{
    return copy_text(text, head->engine, sizeof head->engine);
}

static bool take_format(const char *text, struct backup_head *head)
{
    uint64_t number;
    bool is_number = take_number(text, &number) && number >= 1 && number <= INT32_MAX;
    head->format = is_number ? (int)number : 0;
    return is_number;
}

static bool take_master_key(const char *text, struct backup_head *head)
{
    return take_hex(text, head->fingerprint, sizeof head->fingerprint);
}

static bool take_key(const char *text, struct backup_head *head)
{
    char name[KEYRING_NAME];
    if (!take_hex(text, name, sizeof name))
        return false;
    backup_keys_add(&head->keys, name);
    return true;
}

static bool take_records(const char *text, struct backup_head *head)
{
    return take_number(text, &head->records);
}

static bool take_unreadable(const char *text, struct backup_head *head)
{
    return take_number(text, &head->unreadable);
}

static bool is_name(const char *name)
{
    static const char below[] = BACKUP_STORE_NAME "/";
    static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-";
    if (strlen(name) >= BACKUP_FILE_NAME)
        return false;
    if (strcmp(name, BACKUP_KEY_NAME) == 0 || strcmp(name, BACKUP_CONF_NAME) == 0)
        return true;
    if (strncmp(name, below, sizeof below - 1) != 0)
        return false;
    const char *last = name + sizeof below - 1;
    return last[0] != '\0' && last[0] != '.' && last[strspn(last, letters)] == '\0';
}

static bool take_file(const char *text, struct backup_head *head)
{
    struct tree_sum sum;
    char number[WORD_MAX];
    if (hex_decode(text, sum.digest, sizeof sum.digest) != STATUS_OK || text[DIGEST_TEXT] != ' ')
        return false;
    const char *bytes = text + DIGEST_TEXT + 1, *space = strchr(bytes, ' ');
    size_t length = space ? (size_t)(space - bytes) : 0;
    if (length == 0 || length >= sizeof number)
        return false;
    memcpy(number, bytes, length);
    number[length] = '\0';
    if (!take_number(number, &sum.bytes) || !is_name(space + 1) || head->file_count == BACKUP_FILES_MAX ||
        backup_head_find_file(head, space + 1))
        return false;
    backup_head_add_file(head, space + 1, &sum);
    return true;
}

static const struct {
    const char *word;
    bool (*take)(const char *text, struct backup_head *head);
    bool is_required; /* and stands once */
} lines[] = {
    {"made_at ", take_made_at, true},       {"engine ", take_engine, true}, {"format ", take_format, true},
    {"master_key ", take_master_key, true}, {"key ", take_key, false},      {"records ", take_records, true},
    {"unreadable ", take_unreadable, true}, {"file ", take_file, false},
};
enum { LINES = sizeof lines / sizeof lines[0] };

static bool take_line(const char *line, unsigned seen[LINES], struct backup_head *head)
{
    for (size_t i = 0; i < LINES; i++)
        if (strncmp(line, lines[i].word, strlen(lines[i].word)) == 0) {
            seen[i]++;
            return lines[i].take(line + strlen(lines[i].word), head);
        }
    return false;
}

/* `text` is ours to cut up; each line is ended. */
static bool take_lines(char *text, struct backup_head *head)
{
    unsigned seen[LINES] = {0};
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        if (!take_line(line, seen, head))
            return false;
    }
    for (size_t i = 0; i < LINES; i++)
        if (lines[i].is_required && seen[i] != 1)
            return false;
    return true;
}

static enum status check_version(struct slice text, size_t *length)
{
    const size_t word = sizeof HEAD_WORD - 1;
    const char *end = memchr(text.data, '\n', text.length);
    if (!end || text.length < word || memcmp(text.data, HEAD_WORD, word) != 0)
        return STATUS_CORRUPT;
    *length = (size_t)(end - text.data) + 1;
    return *length == word + 2 && text.data[word] == '0' + HEAD_VERSION ? STATUS_OK : STATUS_VERSION;
}

/* The last line is there, and is that of the lines before. *length: of those. */
static bool is_whole(struct slice text, size_t *length)
{
    enum { END = 4 + DIGEST_TEXT + 1 };
    unsigned char sum[SHA256_BYTES];
    char digest[DIGEST_TEXT + 1];
    if (text.length <= END)
        return false;
    *length = text.length - END;
    crypto_sha256(text.data, *length, sum);
    hex_encode(sum, sizeof sum, digest);
    const char *end = text.data + *length;
    return end[-1] == '\n' && memcmp(end, "end ", 4) == 0 && memcmp(end + 4, digest, DIGEST_TEXT) == 0 &&
           end[END - 1] == '\n' && !memchr(text.data, '\0', text.length);
}

enum status backup_head_parse(struct slice text, struct backup_head *out)
{
    size_t first, length;
    *out = (struct backup_head){.made_at_ms = 0};
    enum status status = text.length == 0 ? STATUS_CORRUPT : check_version(text, &first);
    if (status != STATUS_OK)
        return status;
    if (!is_whole(text, &length) || length < first)
        return STATUS_CORRUPT;
    char *copy = mem_strndup(text.data + first, length - first);
    status = take_lines(copy, out) ? STATUS_OK : STATUS_CORRUPT;
    free(copy);
    return status;
}
