/* What Content-Type may say about a body. */
#ifndef HOOKTURN_API_MEDIA_TYPE_H
#define HOOKTURN_API_MEDIA_TYPE_H

#include <stdbool.h>

/* `application/json`, whatever its case and parameters; a `charset` other than UTF-8 is refused. */
bool media_type_is_json(const char *content_type);
/* The same, or `application/merge-patch+json` (RFC 7396). */
bool media_type_is_patch(const char *content_type);

#endif
