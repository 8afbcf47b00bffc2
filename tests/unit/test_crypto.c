/* Published vectors: SHA-256 of FIPS 180-4, HMAC-SHA256 of RFC 4231, AES-256-GCM of the GCM specification. */
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <setjmp.h>
#include <cmocka.h>

#include <pthread.h>
#include <string.h>

#include "base/crypto.h"
#include "base/encoding.h"

static void assert_hex(const unsigned char *bytes, size_t length, const char *expected)
{
    char text[256];
    hex_encode(bytes, length, text);
    assert_string_equal(text, expected);
}

static void sha256_gives_the_published_digests(void **state)
{
    (void)state;
    unsigned char digest[SHA256_BYTES];
    crypto_sha256("abc", 3, digest);
    assert_hex(digest, sizeof digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
    crypto_sha256("", 0, digest);
    assert_hex(digest, sizeof digest, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
}

static void a_digest_in_pieces_is_that_of_the_whole(void **state)
{
    (void)state;
    unsigned char digest[SHA256_BYTES];
    struct crypto_digest *pieces = crypto_digest_new();
    crypto_digest_add(pieces, "a", 1);
    crypto_digest_add(pieces, "", 0);
    crypto_digest_add(pieces, "bc", 2);
    crypto_digest_end(pieces, digest);
    assert_hex(digest, sizeof digest, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
}

static void hmac_gives_the_vectors_of_the_rfc(void **state)
{
    (void)state;
    unsigned char mac[SHA256_BYTES];
    const struct crypto_part whole[] = {{"what do ya want for nothing?", 28}};
    crypto_hmac_sha256("Jefe", 4, whole, 1, mac);
    assert_hex(mac, sizeof mac, "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
    unsigned char key[131];
    memset(key, 0xaa, sizeof key);
    const struct crypto_part parts[] = {
        {"Test Using Larger Than", 22}, {NULL, 0}, {" Block-Size Key - Hash Key First", 32}};
    crypto_hmac_sha256(key, sizeof key, parts, 3, mac);
    assert_hex(mac, sizeof mac, "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

static void hmac_takes_an_empty_key_and_no_parts(void **state)
{
    (void)state;
    unsigned char mac[SHA256_BYTES];
    crypto_hmac_sha256(NULL, 0, NULL, 0, mac);
    assert_hex(mac, sizeof mac, "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad");
}

static void aead_gives_the_published_vector(void **state)
{
    (void)state;
    /* Test case 16 of "The Galois/Counter Mode of Operation". */
    unsigned char key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_BYTES], plain[60], aad[20], sealed[60 + AEAD_TAG_BYTES];
    assert_int_equal(hex_decode("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", key, sizeof key),
                     STATUS_OK);
    assert_int_equal(hex_decode("cafebabefacedbaddecaf888", nonce, sizeof nonce), STATUS_OK);
    assert_int_equal(hex_decode("d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                                "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
                                plain, sizeof plain),
                     STATUS_OK);
    assert_int_equal(hex_decode("feedfacedeadbeeffeedfacedeadbeefabaddad2", aad, sizeof aad), STATUS_OK);
    crypto_aead_seal(key, nonce, aad, sizeof aad, plain, sizeof plain, sealed);
    assert_hex(sealed, sizeof sealed,
               "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
               "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f66276fc6ece0f4e1768cddf8853bb2d551b");
    unsigned char opened[60];
    assert_int_equal(crypto_aead_open(key, nonce, aad, sizeof aad, sealed, sizeof sealed, opened), STATUS_OK);
    assert_memory_equal(opened, plain, sizeof plain);
}

static void a_changed_bit_does_not_open(void **state)
{
    (void)state;
    static const unsigned char key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_BYTES], nothing[8];
    unsigned char sealed[8 + AEAD_TAG_BYTES], opened[8];
    crypto_aead_seal(key, nonce, "a", 1, "12345678", 8, sealed);
    for (size_t i = 0; i < sizeof sealed; i++) {
        sealed[i] ^= 1;
        assert_int_equal(crypto_aead_open(key, nonce, "a", 1, sealed, sizeof sealed, opened), STATUS_CORRUPT);
        assert_memory_equal(opened, nothing, sizeof opened);
        sealed[i] ^= 1;
    }
    assert_int_equal(crypto_aead_open(key, nonce, "b", 1, sealed, sizeof sealed, opened), STATUS_CORRUPT);
    assert_int_equal(crypto_aead_open(key, nonce, "a", 1, sealed, AEAD_TAG_BYTES - 1, opened), STATUS_CORRUPT);
    assert_int_equal(crypto_aead_open(key, nonce, "a", 1, sealed, sizeof sealed, opened), STATUS_OK);
}

static void empty_texts_are_sealed_too(void **state)
{
    (void)state;
    static const unsigned char key[AEAD_KEY_BYTES], nonce[AEAD_NONCE_BYTES];
    unsigned char sealed[AEAD_TAG_BYTES], opened[1];
    crypto_aead_seal(key, nonce, NULL, 0, NULL, 0, sealed);
    assert_hex(sealed, sizeof sealed, "530f8afbc74536b9a963b4f1c4cb738b"); /* test case 13 there */
    assert_int_equal(crypto_aead_open(key, nonce, NULL, 0, sealed, sizeof sealed, opened), STATUS_OK);
}

static void randomness_differs_and_equality_is_exact(void **state)
{
    (void)state;
    unsigned char a[32], b[32];
    crypto_random(a, sizeof a);
    crypto_random(b, sizeof b);
    assert_false(crypto_equal(a, b, sizeof a));
    memcpy(b, a, sizeof a);
    assert_true(crypto_equal(a, b, sizeof a));
    crypto_cleanse(b, sizeof b);
    static const unsigned char zero[32];
    assert_memory_equal(b, zero, sizeof b);
}

static void *sign_many(void *context)
{
    const struct crypto_part part = {"x", 1};
    unsigned char first[SHA256_BYTES], mac[SHA256_BYTES];
    crypto_hmac_sha256("k", 1, &part, 1, first);
    for (int i = 0; i < 2000; i++) {
        crypto_hmac_sha256("k", 1, &part, 1, mac);
        if (memcmp(first, mac, sizeof mac) != 0)
            *(int *)context = 1;
    }
    return NULL;
}

static void threads_sign_side_by_side(void **state)
{
    (void)state;
    pthread_t threads[4];
    int wrong[4] = {0};
    for (int i = 0; i < 4; i++)
        assert_int_equal(pthread_create(&threads[i], NULL, sign_many, &wrong[i]), 0);
    for (int i = 0; i < 4; i++) {
        pthread_join(threads[i], NULL);
        assert_int_equal(wrong[i], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_sign_side_by_side), /* first: the library is not set up yet */
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(a_digest_in_pieces_is_that_of_the_whole),
        cmocka_unit_test(hmac_gives_the_vectors_of_the_rfc),
        cmocka_unit_test(hmac_takes_an_empty_key_and_no_parts),
        cmocka_unit_test(aead_gives_the_published_vector),
        cmocka_unit_test(a_changed_bit_does_not_open),
        cmocka_unit_test(empty_texts_are_sealed_too),
        cmocka_unit_test(randomness_differs_and_equality_is_exact),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
