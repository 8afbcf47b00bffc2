/* The head of a backup: what is written is read back, and nothing else is taken for one. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"
#include "base/mem.h"
#include "store/backup_head.h"

static struct backup_head sample(void)
{
    struct backup_head head = {.made_at_ms = 1781259300123, .engine = "bdb", .format = 1, .records = 4711};
    struct tree_sum sum = {.bytes = 8192};
    memcpy(head.fingerprint, "0123456789abcdef", sizeof head.fingerprint);
    backup_keys_add(&head.keys, "01234567");
    backup_keys_add(&head.keys, "89abcdef");
    backup_keys_add(&head.keys, "01234567");
    memset(sum.digest, 0xab, sizeof sum.digest);
    backup_head_add_file(&head, "store/event.db", &sum);
    backup_head_add_file(&head, BACKUP_KEY_NAME, &sum);
    return head;
}

/* Lines with the last one that fits them. */
static enum status parse_lines(const char *lines, struct backup_head *out)
{
    struct buf text = {0};
    unsigned char sum[SHA256_BYTES];
    char digest[2 * SHA256_BYTES + 1];
    crypto_sha256(lines, strlen(lines), sum);
    hex_encode(sum, sizeof sum, digest);
    buf_printf(&text, "%send %s\n", lines, digest);
    enum status status = backup_head_parse(buf_slice(&text), out);
    buf_clear(&text);
    return status;
}

static void what_is_written_is_read_back(void **state)
{
    (void)state;
    struct backup_head head = sample(), found;
    struct buf text = {0};
    backup_head_format(&head, &text);
    assert_int_equal(backup_head_parse(buf_slice(&text), &found), STATUS_OK);
    assert_int_equal(found.made_at_ms, head.made_at_ms);
    assert_string_equal(found.engine, "bdb");
    assert_int_equal(found.format, 1);
    assert_string_equal(found.fingerprint, head.fingerprint);
    assert_int_equal(found.keys.count, 2);
    assert_string_equal(found.keys.names[1], "89abcdef");
    assert_int_equal(found.records, 4711);
    assert_int_equal(found.unreadable, 0);
    assert_int_equal(found.file_count, 2);
    const struct backup_file *file = backup_head_find_file(&found, "store/event.db");
    assert_non_null(file);
    assert_int_equal(file->sum.bytes, 8192);
    assert_memory_equal(file->sum.digest, head.files[0].sum.digest, SHA256_BYTES);
    assert_null(backup_head_find_file(&found, BACKUP_CONF_NAME));
    backup_head_clear(&found);
    backup_head_clear(&head);
    buf_clear(&text);
}

static void every_damage_is_noticed(void **state)
{
    (void)state;
    struct backup_head head = sample(), found;
    struct buf text = {0};
    backup_head_format(&head, &text);
    for (size_t i = 0; i < text.length; i++) {
        text.data[i] ^= 1;
        assert_int_not_equal(backup_head_parse(buf_slice(&text), &found), STATUS_OK);
        backup_head_clear(&found);
        text.data[i] ^= 1;
    }
    for (size_t length = 0; length < text.length; length++) {
        assert_int_not_equal(backup_head_parse((struct slice){text.data, length}, &found), STATUS_OK);
        backup_head_clear(&found);
    }
    backup_head_clear(&head);
    buf_clear(&text);
}

static void a_newer_head_is_told_from_a_damaged_one(void **state)
{
    (void)state;
    struct backup_head found;
    assert_int_equal(parse_lines("hookturn-backup 2\nanything\n", &found), STATUS_VERSION);
    assert_int_equal(parse_lines("hookturn-backup 10\n", &found), STATUS_VERSION);
    assert_int_equal(parse_lines("hookturn-store 1\n", &found), STATUS_CORRUPT);
    assert_int_equal(backup_head_parse((struct slice){NULL, 0}, &found), STATUS_CORRUPT);
}

#define DIGEST "abababababababababababababababababababababababababababababababab"
#define REQUIRED                                                                                                       \
    "made_at 2026-06-12T10:15:00.000Z\nengine bdb\nformat 1\nmaster_key 0123456789abcdef\nrecords 1\nunreadable 0\n"

static enum status parse_with(const char *line)
{
    struct backup_head found;
    struct buf lines = {0};
    buf_printf(&lines, "hookturn-backup 1\n" REQUIRED "%s", line);
    enum status status = parse_lines(lines.data, &found);
    backup_head_clear(&found);
    buf_clear(&lines);
    return status;
}

#define LONG_NAME                                                                                                      \
    "store/0123456789012345678901234567890123456789012345678901234567890123456789"                                     \
    "01234567890123456789"

static void no_name_leads_out_of_the_backup(void **state)
{
    static const char *const names[] = {"/etc/passwd", "../master.key", "store/../x", "store/", "store/.",   "store/..",
                                        "store/a/b",   "store",         "backup",     "",       "store/a b", LONG_NAME};
    (void)state;
    assert_int_equal(parse_with("file " DIGEST " 1 store/log.0000000001\n"), STATUS_OK);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct buf line = {0};
        buf_printf(&line, "file " DIGEST " 1 %s\n", names[i]);
        assert_int_equal(parse_with(line.data), STATUS_CORRUPT);
        buf_clear(&line);
    }
}

static void what_does_not_fit_exactly_is_refused(void **state)
{
    static const char *const lines[] = {
        "file " DIGEST " 1 store/a\nfile " DIGEST " 1 store/a\n",
        "file " DIGEST "  store/a\n",
        "file " DIGEST " 99999999999999999999 store/a\n",
        "file abab 1 store/a\n",
        "key 0123456\n",
        "key 0123456G\n",
        "records 2\n",
        "colour blue\n",
        "\n",
        "end " DIGEST "\n",
    };
    (void)state;
    assert_int_equal(parse_with(""), STATUS_OK);
    assert_int_equal(parse_with("key 01234567\n"), STATUS_OK);
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++)
        assert_int_equal(parse_with(lines[i]), STATUS_CORRUPT);
    struct backup_head found;
    assert_int_equal(parse_lines("hookturn-backup 1\nengine bdb\n", &found), STATUS_CORRUPT);
    backup_head_clear(&found);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read_back),
        cmocka_unit_test(every_damage_is_noticed),
        cmocka_unit_test(a_newer_head_is_told_from_a_damaged_one),
        cmocka_unit_test(no_name_leads_out_of_the_backup),
        cmocka_unit_test(what_does_not_fit_exactly_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
