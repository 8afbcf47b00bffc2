/* The signature headers of a delivery: X-Webhook-Signature (Stripe's scheme) and Standard Webhooks' three. */
#ifndef HOOKTURN_MODEL_SIGNATURE_H
#define HOOKTURN_MODEL_SIGNATURE_H

#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "model/secret.h"

/* Appends `t=<unix seconds>,v1=<64 hex>[,v1=…]`, one v1 for each secret in the order given (newest first). Signed is
 * `<t>.<body>`; the key is the whole secret text, prefix included. */
void signature_format(int64_t t, struct slice body, char (*secrets)[SECRET_TEXT], size_t count, struct buf *out);
/* Appends `v1,<base64>[ v1,…]`. Signed is `<message_id>.<t>.<body>`; the key is the decoded part behind `whsec_`. */
void signature_format_standard(const char *message_id, int64_t t, struct slice body, char (*secrets)[SECRET_TEXT],
                               size_t count, struct buf *out);

#endif
