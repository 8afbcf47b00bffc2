/* API keys: what they may do, and how they are made and recognised. The `key` command makes them, the API's
 * authentication asks them. */
#include "model/api_key.h"

#include <stdlib.h>
#include <string.h>

#include "base/encoding.h"

#define API_KEY_PREFIX "hk_"
enum { API_KEY_PREFIX_LENGTH = sizeof API_KEY_PREFIX - 1, API_KEY_RANDOM_BYTES = 32 };

static const struct {
    const char *word;
    enum api_scope scope;
} scope_words[] = {
    {"manage", API_SCOPE_MANAGE},
    {"read", API_SCOPE_READ},
    {"publish", API_SCOPE_PUBLISH},
    {"operate", API_SCOPE_OPERATE},
};
enum { SCOPE_WORDS = sizeof scope_words / sizeof scope_words[0] };

void api_key_clear(struct api_key *key)
{
    free(key->created_user_id);
    free(key->name);
    memset(key, 0, sizeof *key);
}

void api_key_make(char out[API_KEY_TEXT])
{
    unsigned char random[API_KEY_RANDOM_BYTES];
    char text[BASE64_SIZE(API_KEY_RANDOM_BYTES)];
    crypto_random(random, sizeof random);
    base64url_encode(random, sizeof random, text);
    memcpy(out, API_KEY_PREFIX, API_KEY_PREFIX_LENGTH);
    memcpy(out + API_KEY_PREFIX_LENGTH, text, API_KEY_TEXT - API_KEY_PREFIX_LENGTH);
    crypto_cleanse(random, sizeof random);
    crypto_cleanse(text, sizeof text);
}

static bool is_key_character(char c)
{
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

bool api_key_has_form(const char *text, size_t length)
{
    if (length != API_KEY_TEXT - 1 || memcmp(text, API_KEY_PREFIX, API_KEY_PREFIX_LENGTH) != 0)
        return false;
    for (size_t i = API_KEY_PREFIX_LENGTH; i < length; i++)
        if (!is_key_character(text[i]))
            return false;
    return true;
}

bool api_key_is_valid(const struct api_key *key, int64_t now_ms)
{
    return key->revoked_at_ms == 0 && (key->expires_at_ms == 0 || now_ms < key->expires_at_ms);
}

bool api_key_may(const struct api_key *key, enum api_scope scope)
{
    unsigned granted = key->scopes;
    if (granted & API_SCOPE_MANAGE)
        granted |= API_SCOPE_READ;
    return (granted & scope) != 0;
}

static unsigned scope_of_word(struct slice word)
{
    for (size_t i = 0; i < SCOPE_WORDS; i++)
        if (slice_equals(word, scope_words[i].word))
            return scope_words[i].scope;
    return 0;
}

unsigned api_scopes_parse(const char *text)
{
    unsigned scopes = 0;
    for (;;) {
        size_t length = strcspn(text, ",");
        unsigned scope = scope_of_word((struct slice){text, length});
        if (scope == 0)
            return 0;
        scopes |= scope;
        if (text[length] == '\0')
            return scopes;
        text += length + 1;
    }
}

void api_scopes_each(unsigned scopes, void (*add)(void *context, const char *word), void *context)
{
    for (size_t i = 0; i < SCOPE_WORDS; i++)
        if (scopes & scope_words[i].scope)
            add(context, scope_words[i].word);
}
