/* The master key file and what is sealed under it. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/crypto.h"
#include "base/encoding.h"
#include "base/keyring.h"

static char directory[] = "/tmp/hookturn-keyring-XXXXXX";
static char path[64];

static int make_directory(void **state)
{
    (void)state;
    if (!mkdtemp(directory))
        return -1;
    snprintf(path, sizeof path, "%s/master.key", directory);
    return 0;
}

static int remove_directory(void **state)
{
    (void)state;
    return rmdir(directory);
}

static int remove_key(void **state)
{
    (void)state;
    unlink(path);
    return 0;
}

static void write_key_file(const char *text)
{
    unlink(path);
    FILE *file = fopen(path, "w");
    assert_non_null(file);
    fputs(text, file);
    fchmod(fileno(file), 0600);
    fclose(file);
}

/* A line for the key whose 32 bytes are all `byte`. */
static void key_line(unsigned char byte, char *out, size_t size)
{
    unsigned char key[AEAD_KEY_BYTES], digest[SHA256_BYTES];
    char name[9], text[BASE64_SIZE(AEAD_KEY_BYTES)];
    memset(key, byte, sizeof key);
    crypto_sha256(key, sizeof key, digest);
    hex_encode(digest, 4, name);
    base64_encode(key, sizeof key, text);
    snprintf(out, size, "%s %s\n", name, text);
}

static struct keyring *open_ring(void)
{
    struct keyring *ring;
    struct failure failure;
    if (keyring_open(path, &ring, &failure) != STATUS_OK)
        fail_msg("%s", failure.text);
    return ring;
}

static void assert_refused(enum status expected, const char *says)
{
    struct keyring *ring;
    struct failure failure;
    assert_int_equal(keyring_open(path, &ring, &failure), expected);
    if (!strstr(failure.text, says) || !strstr(failure.text, path))
        fail_msg("%s", failure.text);
}

static void a_new_key_is_private_and_never_replaced(void **state)
{
    (void)state;
    struct failure failure;
    assert_int_equal(keyring_create(path, &failure), STATUS_OK);
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);
    struct keyring *ring = open_ring();
    char before[17], after[17];
    keyring_fingerprint(ring, before);
    assert_int_equal(strlen(before), 16);
    keyring_free(ring);
    assert_int_equal(keyring_create(path, &failure), STATUS_EXISTS);
    ring = open_ring();
    keyring_fingerprint(ring, after);
    assert_string_equal(before, after);
    keyring_free(ring);
}

static void sealed_bytes_open_at_their_place_alone(void **state)
{
    (void)state;
    struct failure failure;
    assert_int_equal(keyring_create(path, &failure), STATUS_OK);
    struct keyring *ring = open_ring();
    struct buf sealed = {0}, other = {0}, plain = {0};
    keyring_seal(ring, slice_of("place"), slice_of("secret"), &sealed);
    keyring_seal(ring, slice_of("place"), slice_of("secret"), &other);
    assert_int_equal(sealed.length, 1 + 4 + 12 + 6 + 16);
    assert_memory_not_equal(sealed.data, other.data, sealed.length);
    buf_append_text(&plain, "before ");
    assert_int_equal(keyring_unseal(ring, slice_of("place"), buf_slice(&sealed), &plain), STATUS_OK);
    assert_string_equal(plain.data, "before secret");
    assert_int_equal(keyring_unseal(ring, slice_of("elsewhere"), buf_slice(&sealed), &plain), STATUS_CORRUPT);
    assert_string_equal(plain.data, "before secret");
    for (size_t i = 0; i < sealed.length; i++) {
        sealed.data[i] ^= 1;
        assert_int_equal(keyring_unseal(ring, slice_of("place"), buf_slice(&sealed), &plain), STATUS_CORRUPT);
        sealed.data[i] ^= 1;
    }
    for (size_t length = 0; length < sealed.length; length++)
        assert_int_equal(keyring_unseal(ring, slice_of("place"), (struct slice){sealed.data, length}, &plain),
                         STATUS_CORRUPT);
    buf_clear(&sealed);
    buf_clear(&other);
    buf_clear(&plain);
    keyring_free(ring);
}

/* The head line, then the lines of the keys whose bytes are all so. */
static void write_keys(unsigned char first, unsigned char second)
{
    char line[80], other[80] = "", text[256];
    key_line(first, line, sizeof line);
    if (second)
        key_line(second, other, sizeof other);
    snprintf(text, sizeof text, "hookturn-master-key 1\n%s%s", line, other);
    write_key_file(text);
}

static void assert_opens(const struct keyring *ring, const struct buf *sealed, enum status expected)
{
    struct buf plain = {0};
    assert_int_equal(keyring_unseal(ring, slice_of("p"), buf_slice(sealed), &plain), expected);
    assert_string_equal(buf_text(&plain), expected == STATUS_OK ? "secret" : "");
    buf_clear(&plain);
}

static void an_old_key_still_opens_behind_a_new_one(void **state)
{
    (void)state;
    struct buf by_old = {0}, by_new = {0};
    write_keys(1, 0);
    struct keyring *old_ring = open_ring();
    keyring_seal(old_ring, slice_of("p"), slice_of("secret"), &by_old);
    keyring_free(old_ring);
    write_keys(2, 1);
    struct keyring *ring = open_ring();
    assert_int_equal(keyring_count(ring), 2);
    assert_opens(ring, &by_old, STATUS_OK);
    keyring_seal(ring, slice_of("p"), slice_of("secret"), &by_new);
    keyring_free(ring);
    write_keys(1, 0);
    old_ring = open_ring();
    assert_opens(old_ring, &by_new, STATUS_CORRUPT);
    keyring_free(old_ring);
    buf_clear(&by_old);
    buf_clear(&by_new);
}

static void a_ring_seals_under_the_key_that_was_put_in_front(void **state)
{
    (void)state;
    char before[KEYRING_FINGERPRINT], after[KEYRING_FINGERPRINT], name[KEYRING_NAME];
    struct failure failure;
    struct buf by_old = {0}, by_new = {0};
    assert_int_equal(keyring_create(path, &failure), STATUS_OK);
    struct keyring *ring = open_ring();
    keyring_fingerprint(ring, before);
    keyring_seal(ring, slice_of("p"), slice_of("secret"), &by_old);
    assert_int_equal(keyring_file_add(path, &failure), STATUS_OK);
    keyring_seal(ring, slice_of("p"), slice_of("secret"), &by_new);
    keyring_fingerprint(ring, after);
    assert_string_not_equal(before, after);
    assert_true(keyring_blob_name(buf_slice(&by_new), name));
    assert_memory_equal(name, after, KEYRING_NAME - 1);
    assert_int_equal(keyring_count(ring), 2);
    assert_true(keyring_has(ring, name));
    assert_false(keyring_has(ring, "00000000"));
    struct stat file;
    assert_int_equal(stat(path, &file), 0);
    assert_int_equal(file.st_mode & 07777, 0600);

    assert_int_equal(keyring_file_prune(path, &failure), STATUS_OK);
    struct keyring *late = open_ring();
    assert_int_equal(keyring_count(late), 1);
    assert_opens(late, &by_new, STATUS_OK);
    assert_opens(late, &by_old, STATUS_CORRUPT);
    assert_opens(ring, &by_old, STATUS_OK); /* it may have been read a moment before */
    keyring_free(late);
    keyring_free(ring);
    buf_clear(&by_old);
    buf_clear(&by_new);
}

static void a_ring_learns_of_a_key_by_what_is_sealed_under_it(void **state)
{
    (void)state;
    struct failure failure;
    struct buf sealed = {0};
    assert_int_equal(keyring_create(path, &failure), STATUS_OK);
    struct keyring *reader = open_ring(), *writer = open_ring();
    assert_int_equal(keyring_file_add(path, &failure), STATUS_OK);
    keyring_seal(writer, slice_of("p"), slice_of("secret"), &sealed);
    assert_opens(reader, &sealed, STATUS_OK);
    keyring_free(reader);
    keyring_free(writer);
    buf_clear(&sealed);
}

static void a_ring_goes_on_when_its_file_is_spoilt(void **state)
{
    (void)state;
    struct buf sealed = {0};
    write_keys(1, 0);
    struct keyring *ring = open_ring();
    write_key_file("nonsense");
    keyring_seal(ring, slice_of("p"), slice_of("secret"), &sealed);
    unlink(path);
    assert_opens(ring, &sealed, STATUS_OK);
    keyring_free(ring);
    buf_clear(&sealed);
}

static void who_relies_on_the_file_learns_that_it_is_spoilt(void **state)
{
    (void)state;
    struct failure failure;
    write_keys(1, 0);
    struct keyring *ring = open_ring();
    write_key_file("nonsense");
    assert_int_equal(keyring_read_anew(ring, &failure), STATUS_CORRUPT);
    assert_non_null(strstr(failure.text, "damaged"));
    write_keys(1, 0);
    assert_int_equal(keyring_read_anew(ring, &failure), STATUS_OK);
    keyring_free(ring);
}

static void resealing_changes_what_an_older_key_sealed(void **state)
{
    (void)state;
    struct failure failure;
    bool has_changed;
    struct buf sealed = {0};
    assert_int_equal(keyring_create(path, &failure), STATUS_OK);
    struct keyring *ring = open_ring();
    keyring_seal(ring, slice_of("p"), slice_of("secret"), &sealed);
    assert_int_equal(keyring_reseal(ring, slice_of("p"), &sealed, &has_changed), STATUS_OK);
    assert_false(has_changed);
    assert_int_equal(keyring_file_add(path, &failure), STATUS_OK);
    assert_int_equal(keyring_reseal(ring, slice_of("elsewhere"), &sealed, &has_changed), STATUS_CORRUPT);
    assert_int_equal(keyring_reseal(ring, slice_of("p"), &sealed, &has_changed), STATUS_OK);
    assert_true(has_changed);
    assert_int_equal(keyring_file_prune(path, &failure), STATUS_OK);
    struct keyring *late = open_ring();
    assert_opens(late, &sealed, STATUS_OK);
    keyring_free(late);
    keyring_free(ring);
    buf_clear(&sealed);
}

static void key_files_are_joined_and_replaced(void **state)
{
    (void)state;
    char from[80], saved[80], fingerprint[KEYRING_FINGERPRINT], joined[KEYRING_FINGERPRINT];
    struct failure failure;
    snprintf(from, sizeof from, "%s.from", path);
    snprintf(saved, sizeof saved, "%s.saved", path);
    assert_int_equal(keyring_file_join(path, from, &failure), STATUS_NOT_FOUND);
    write_keys(1, 2);
    assert_int_equal(rename(path, from), 0);
    assert_int_equal(keyring_file_join(path, from, &failure), STATUS_OK); /* nothing was there */
    write_keys(3, 2);
    assert_int_equal(keyring_file_join(path, from, &failure), STATUS_OK);
    struct keyring *ring = open_ring();
    assert_int_equal(keyring_count(ring), 3);
    keyring_fingerprint(ring, joined);
    assert_int_equal(keyring_save(ring, saved, &failure), STATUS_OK);
    assert_int_equal(keyring_save(ring, saved, &failure), STATUS_EXISTS);
    keyring_free(ring);
    assert_int_equal(keyring_file_copy(path, from, &failure), STATUS_OK);
    ring = open_ring();
    assert_int_equal(keyring_count(ring), 2);
    keyring_fingerprint(ring, fingerprint);
    assert_string_not_equal(fingerprint, joined);
    keyring_free(ring);
    assert_int_equal(rename(saved, path), 0);
    ring = open_ring();
    assert_int_equal(keyring_count(ring), 3);
    keyring_free(ring);
    unlink(from);
}

static void a_missing_key_says_what_to_do(void **state)
{
    (void)state;
    assert_refused(STATUS_NOT_FOUND, "No such file or directory; run `hookturn init`, or restore it from a backup");
}

static void a_key_that_others_may_read_is_refused(void **state)
{
    (void)state;
    struct failure failure;
    assert_int_equal(keyring_create(path, &failure), STATUS_OK);
    assert_int_equal(chmod(path, 0640), 0);
    assert_refused(STATUS_DENIED, "chmod 600");
}

static void what_is_no_key_file_is_refused(void **state)
{
    (void)state;
    char line[80], text[256];
    write_key_file("");
    assert_refused(STATUS_CORRUPT, "damaged");
    write_key_file("hookturn-master-key 1\n");
    assert_refused(STATUS_CORRUPT, "damaged");
    write_key_file("hookturn-master-key 2\nanything\n");
    assert_refused(STATUS_VERSION, "newer");
    key_line(3, line, sizeof line);
    snprintf(text, sizeof text, "hookturn-master-key 1\n%s\n", line); /* an empty line behind it */
    write_key_file(text);
    assert_refused(STATUS_CORRUPT, "damaged");
    line[12] = line[12] == 'A' ? 'B' : 'A';
    snprintf(text, sizeof text, "hookturn-master-key 1\n%s", line);
    write_key_file(text);
    assert_refused(STATUS_CORRUPT, "damaged");
    unlink(path);
    assert_int_equal(mkfifo(path, 0600), 0);
    assert_refused(STATUS_IO, "not a regular file");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_new_key_is_private_and_never_replaced, remove_key),
        cmocka_unit_test_teardown(sealed_bytes_open_at_their_place_alone, remove_key),
        cmocka_unit_test_teardown(an_old_key_still_opens_behind_a_new_one, remove_key),
        cmocka_unit_test_teardown(a_ring_seals_under_the_key_that_was_put_in_front, remove_key),
        cmocka_unit_test_teardown(a_ring_learns_of_a_key_by_what_is_sealed_under_it, remove_key),
        cmocka_unit_test_teardown(a_ring_goes_on_when_its_file_is_spoilt, remove_key),
        cmocka_unit_test_teardown(who_relies_on_the_file_learns_that_it_is_spoilt, remove_key),
        cmocka_unit_test_teardown(resealing_changes_what_an_older_key_sealed, remove_key),
        cmocka_unit_test_teardown(key_files_are_joined_and_replaced, remove_key),
        cmocka_unit_test_teardown(a_missing_key_says_what_to_do, remove_key),
        cmocka_unit_test_teardown(a_key_that_others_may_read_is_refused, remove_key),
        cmocka_unit_test_teardown(what_is_no_key_file_is_refused, remove_key),
    };
    return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
