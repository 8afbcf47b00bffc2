/* Authentication: the key's form first, which costs nothing; only then is the store opened and asked. */
#include "api/auth.h"

#include <string.h>
#include <strings.h>

#include "base/clock.h"
#include "base/crypto.h"

struct slice auth_bearer_token(const char *authorization)
{
    static const char scheme[] = "Bearer ";
    const size_t scheme_length = sizeof scheme - 1;
    if (strncasecmp(authorization, scheme, scheme_length) != 0)
        return (struct slice){"", 0};
    const char *token = authorization + scheme_length;
    token += strspn(token, " ");
    size_t length = strlen(token);
    while (length > 0 && strchr(" \t", token[length - 1]) != NULL)
        length--;
    return (struct slice){token, length};
}

static bool refuse(struct call *call)
{
    call_error(call, API_UNAUTHORIZED, "");
    return false;
}

static bool fail(struct call *call, enum status status)
{
    call_fail(call, status, NULL);
    return false;
}

bool auth_check(struct call *call)
{
    struct slice token = auth_bearer_token(call->request->authorization);
    if (!api_key_has_form(token.data, token.length))
        return refuse(call);
    call->store = lazy_store_get(call->lazy_store, call->request);
    if (call->store == NULL)
        return fail(call, STATUS_UNAVAILABLE);

    unsigned char digest[SHA256_BYTES];
    crypto_sha256(token.data, token.length, digest);
    enum status status = store_key_find(call->store, digest, &call->key);
    if (status == STATUS_NOT_FOUND)
        return refuse(call);
    if (status != STATUS_OK)
        return fail(call, status);
    return api_key_is_valid(&call->key, clock_now_ms()) || refuse(call);
}
