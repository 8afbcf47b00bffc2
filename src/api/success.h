/* What a request that went well is answered with. Its bytes can be kept for a repeat of the request, without the
 * signing secret that it may hold: a secret lives in its subscription's record alone, so destroying it there destroys
 * it. */
#ifndef HOOKTURN_API_SUCCESS_H
#define HOOKTURN_API_SUCCESS_H

#include <stdbool.h>
#include <stddef.h>

#include "api/call.h"
#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"
#include "model/secret.h"

enum { LOCATION_SIZE = 96 };

/* `{0}` is empty; clear with success_clear. */
struct success {
    int status;
    char location[LOCATION_SIZE]; /* below the mount point; "" where there is none */
    char etag[SUBSCRIPTION_ETAG]; /* "": none */
    const char *content_type;     /* NULL: JSON; is not kept for a repeat */
    struct buf body;
    bool has_secret;
    size_t secret_offset; /* in `body` */
    struct object_id subscription_id;
    unsigned char secret_digest[SHA256_BYTES];
};

void success_clear(struct success *success);
/* Puts the subscription's newest secret into the JSON object that `body` is, which has members already, and remembers
 * where it stands. As text, so that the secret is in no memory but the body's, which is cleansed. */
enum secret_place { SECRET_FIRST, SECRET_LAST };
void success_splice_secret(struct success *success, enum secret_place place, const struct subscription *subscription,
                           const char secret[SECRET_TEXT]);
/* Appends the bytes to keep: everything but the secret. */
void success_encode(const struct success *success, struct buf *out);
/* `success` then lacks the secret, where has_secret is set. STATUS_CORRUPT. The caller clears `out`, also after a
 * failure. */
enum status success_decode(struct slice bytes, struct success *out) MUST_USE;
/* Puts the secret back where it was cut out. */
void success_insert_secret(struct success *success, const char secret[SECRET_TEXT]);
/* Makes it the call's response; the body moves there. */
void success_send(struct success *success, struct call *call);

#endif
