/* Whether a master key is the store's: the proof that lies beside the tables. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/tree.h"
#include "store/key_proof.h"

enum { PROOF_MAX = 256 };

static char directory[64], key[96], proof[128];

static int make_store(void **state)
{
    char store[96];
    (void)state;
    snprintf(directory, sizeof directory, "/tmp/hookturn-proof-XXXXXX");
    if (!mkdtemp(directory))
        return -1;
    snprintf(store, sizeof store, "%s/store", directory);
    snprintf(key, sizeof key, "%s/master.key", directory);
    snprintf(proof, sizeof proof, "%s/master.proof", store);
    struct failure failure;
    return mkdir(store, 0700) == 0 && keyring_create(key, &failure) == STATUS_OK ? 0 : -1;
}

static int remove_store(void **state)
{
    (void)state;
    tree_remove(AT_FDCWD, directory);
    return 0;
}

static size_t read_proof(char out[PROOF_MAX])
{
    int fd = open(proof, O_RDONLY | O_CLOEXEC);
    assert_true(fd >= 0);
    ssize_t length = read(fd, out, PROOF_MAX);
    close(fd);
    assert_true(length > 0);
    return (size_t)length;
}

static void write_proof(struct slice bytes)
{
    int fd = open(proof, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, bytes.data, bytes.length), (ssize_t)bytes.length);
    close(fd);
}

static struct keyring *open_ring(void)
{
    struct keyring *ring;
    struct failure failure;
    assert_int_equal(keyring_open(key, &ring, &failure), STATUS_OK);
    return ring;
}

static enum status check(void)
{
    struct failure failure;
    struct keyring *ring = open_ring();
    enum status status = key_proof_check(directory, ring, &failure);
    keyring_free(ring);
    return status;
}

static void put_another_key_in_place(void)
{
    struct failure failure;
    assert_int_equal(unlink(key), 0);
    assert_int_equal(keyring_create(key, &failure), STATUS_OK);
}

static void where_there_is_none_it_is_made_and_then_stays(void **state)
{
    char first[PROOF_MAX], second[PROOF_MAX];
    (void)state;
    assert_int_equal(check(), STATUS_OK);
    size_t length = read_proof(first);
    struct stat before, after;
    assert_int_equal(stat(proof, &before), 0);
    assert_int_equal(check(), STATUS_OK);
    assert_int_equal(stat(proof, &after), 0);
    assert_int_equal(before.st_ino, after.st_ino);
    assert_int_equal(read_proof(second), length);
    assert_memory_equal(first, second, length);
}

static void another_stores_key_is_denied_and_changes_nothing(void **state)
{
    char before[PROOF_MAX], after[PROOF_MAX];
    (void)state;
    assert_int_equal(check(), STATUS_OK);
    size_t length = read_proof(before);
    put_another_key_in_place();
    assert_int_equal(check(), STATUS_DENIED);
    assert_int_equal(read_proof(after), length);
    assert_memory_equal(before, after, length);
}

static void a_key_that_was_put_in_front_becomes_the_proofs(void **state)
{
    struct failure failure;
    (void)state;
    assert_int_equal(check(), STATUS_OK);
    assert_int_equal(keyring_file_add(key, &failure), STATUS_OK);
    assert_int_equal(check(), STATUS_OK);
    assert_int_equal(keyring_file_prune(key, &failure), STATUS_OK); /* the first key is not needed any more */
    assert_int_equal(check(), STATUS_OK);
}

static void a_ring_that_was_read_before_the_key_changed_follows_it(void **state)
{
    struct failure failure;
    (void)state;
    assert_int_equal(check(), STATUS_OK);
    struct keyring *early = open_ring();
    assert_int_equal(keyring_file_add(key, &failure), STATUS_OK);
    assert_int_equal(check(), STATUS_OK);
    assert_int_equal(key_proof_check(directory, early, &failure), STATUS_OK);
    keyring_free(early);
}

static void a_proof_in_its_old_form_holds_and_is_written_anew(void **state)
{
    struct buf sealed = {0};
    char text[PROOF_MAX];
    (void)state;
    struct keyring *ring = open_ring();
    keyring_seal(ring, slice_of("hookturn master key"), slice_of("proof"), &sealed);
    keyring_free(ring);
    write_proof(buf_slice(&sealed));
    assert_int_equal(check(), STATUS_OK);
    assert_int_not_equal(read_proof(text), sealed.length);
    write_proof(buf_slice(&sealed));
    put_another_key_in_place();
    assert_int_equal(check(), STATUS_DENIED);
    buf_clear(&sealed);
}

static void what_is_no_proof_is_denied(void **state)
{
    char text[PROOF_MAX];
    (void)state;
    assert_int_equal(check(), STATUS_OK);
    size_t length = read_proof(text);
    write_proof((struct slice){text, length - 1});
    assert_int_equal(check(), STATUS_DENIED);
    text[length - 1] = text[length - 1] == '0' ? '1' : '0';
    write_proof((struct slice){text, length});
    assert_int_equal(check(), STATUS_DENIED);
    write_proof((struct slice){"", 0});
    assert_int_equal(check(), STATUS_DENIED);
}

int main(void)
{
#define PROOF_TEST(name) cmocka_unit_test_setup_teardown(name, make_store, remove_store)
    const struct CMUnitTest tests[] = {
        PROOF_TEST(where_there_is_none_it_is_made_and_then_stays),
        PROOF_TEST(another_stores_key_is_denied_and_changes_nothing),
        PROOF_TEST(a_key_that_was_put_in_front_becomes_the_proofs),
        PROOF_TEST(a_ring_that_was_read_before_the_key_changed_follows_it),
        PROOF_TEST(a_proof_in_its_old_form_holds_and_is_written_anew),
        PROOF_TEST(what_is_no_proof_is_denied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
