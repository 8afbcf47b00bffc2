/* API keys: what they may do, and how they are made and recognised. */
#ifndef HOOKTURN_MODEL_API_KEY_H
#define HOOKTURN_MODEL_API_KEY_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/id.h"

enum api_scope { API_SCOPE_READ = 1, API_SCOPE_MANAGE = 2, API_SCOPE_PUBLISH = 4, API_SCOPE_OPERATE = 8 };
enum { API_KEY_TEXT = 47 }; /* of those that are made here: "hk_" + 43 of [A-Za-z0-9_-] + NUL */
/* Of those that somebody chose: a Bearer token of RFC 6750, [A-Za-z0-9._~+/-]+=*, so long. */
enum { API_KEY_MIN = 40, API_KEY_MAX = 128 };

struct api_key {
    struct object_id id;
    unsigned char digest[SHA256_BYTES]; /* of the whole text */
    struct uuid organization_id;
    char *created_user_id;
    char *name;      /* NULL: none */
    unsigned scopes; /* enum api_scope, or-ed, as given */
    int64_t created_at_ms;
    int64_t expires_at_ms; /* 0: never */
    int64_t revoked_at_ms; /* 0: not */
};

void api_key_clear(struct api_key *key);
/* A new key's text. Cleanse after use. */
void api_key_make(char out[API_KEY_TEXT]);
/* Made here or chosen. For a request's key; whether it is a good one is another question. */
bool api_key_has_form(const char *text, size_t length);
/* NULL where the text may be taken as a key that somebody chose; else a phrase that says what is wrong with it, without
 * quoting it (static). */
const char *api_key_fault(const char *text, size_t length);
/* Neither revoked nor expired. */
bool api_key_is_valid(const struct api_key *key, int64_t now_ms);
/* `manage` includes `read`. */
bool api_key_may(const struct api_key *key, enum api_scope scope);
/* "manage,read,publish": any order, no spaces; 0 where a word is unknown or there is none. */
unsigned api_scopes_parse(const char *text);
/* The words of `scopes` in a fixed order; calls `add` for each. */
void api_scopes_each(unsigned scopes, void (*add)(void *context, const char *word), void *context);

#endif
