/* Signatures against published and independently computed values. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "model/signature.h"

/* The secret, message and signature that Standard Webhooks' own libraries test with. The Stripe form over the same
 * body was computed with
 *     printf '1614265330.{"test": 2432232314}' | openssl dgst -sha256 -hmac whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw */
static char published[1][SECRET_TEXT] = {"whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"};
#define PUBLISHED_ID "msg_p5jXN8AQM9LWM0D4loKWxJek"
#define PUBLISHED_TIME INT64_C(1614265330)
#define PUBLISHED_BODY "{\"test\": 2432232314}"

/* The base64 of bytes 0 to 29, and of 255 down to 226. The expected values came from python3:
 *     hmac.new(secret, b"%d." % t + body, "sha256").hexdigest()
 *     b64encode(hmac.new(b64decode(secret[6:]), b"%s.%d." % (id, t) + body, "sha256").digest()) */
static char pair[2][SECRET_TEXT] = {"whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYXGBkaGxwd",
                                    "whsec_//79/Pv6+fj39vX08/Lx8O/u7ezr6uno5+bl5OPi"};
#define PAIR_ID "0a0192f3c4d5e6f708192a3b"
#define PAIR_TIME INT64_C(1781259300)
#define PAIR_BODY "{\"organizationId\":\"6c1c4a3e-3f0e-4f6c-9f6e-0a2d7b9c1d11\",\"payload\":{\"a\":1.0}}"

static void expect(struct buf *got, const char *expected)
{
    assert_string_equal(buf_text(got), expected);
    buf_clear(got);
}

static void the_published_standard_vector_is_met(void **state)
{
    (void)state;
    struct buf out = {0};
    signature_format_standard(PUBLISHED_ID, PUBLISHED_TIME, slice_of(PUBLISHED_BODY), published, 1, &out);
    expect(&out, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

static void the_timestamped_scheme_keys_with_the_whole_text(void **state)
{
    (void)state;
    struct buf out = {0};
    signature_format(PUBLISHED_TIME, slice_of(PUBLISHED_BODY), published, 1, &out);
    expect(&out, "t=1614265330,v1=2e37df5d4a028c51a7f3133d64ae1e300d2c2c900f1b1d49d4369ad2530f8964");
}

static void every_secret_signs_in_the_order_given(void **state)
{
    (void)state;
    struct buf out = {0};
    signature_format(PAIR_TIME, slice_of(PAIR_BODY), pair, 2, &out);
    expect(&out, "t=1781259300,v1=b41f34d6ab6436bd0d30b2f8d452e694263d7defcbc6700046953d0f9ca8a948"
                 ",v1=a7e153be429c2d9ed87e5eef1463bb5cd387b7c173dd81474d9949bf9f18a3e6");
    signature_format_standard(PAIR_ID, PAIR_TIME, slice_of(PAIR_BODY), pair, 2, &out);
    expect(&out, "v1,ed+0H9ibaCNk2+vbotvmAKv6esClaARz35mF0ocum68= v1,rQojP4F+aQ+l/GoSbAxwz/8/+m7yX0EpuYdkBtpSPfA=");
}

static void an_empty_body_and_the_first_second_are_signed_too(void **state)
{
    (void)state;
    struct buf out = {0};
    signature_format(0, (struct slice){NULL, 0}, pair, 1, &out);
    expect(&out, "t=0,v1=b6f66b172e2608f5d0486312d31c0d87ea11e6bb158ce950d55f416870266a73");
}

static void the_header_is_appended_to_what_stands_there(void **state)
{
    (void)state;
    struct buf out = {0};
    buf_append_text(&out, "X: ");
    signature_format_standard(PUBLISHED_ID, PUBLISHED_TIME, slice_of(PUBLISHED_BODY), published, 1, &out);
    expect(&out, "X: v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_standard_vector_is_met),
        cmocka_unit_test(the_timestamped_scheme_keys_with_the_whole_text),
        cmocka_unit_test(every_secret_signs_in_the_order_given),
        cmocka_unit_test(an_empty_body_and_the_first_second_are_signed_too),
        cmocka_unit_test(the_header_is_appended_to_what_stands_there),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
