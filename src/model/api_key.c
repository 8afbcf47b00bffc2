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
    return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') ||
           (c != '\0' && strchr("-._~+/", c) != NULL);
}

/* Some tools fill a base64 up with it; nowhere else may it stand. */
static size_t without_padding(const char *text, size_t length)
{
    while (length > 0 && text[length - 1] == '=')
        length--;
    return length;
}

static bool is_token(const char *text, size_t length)
{
    length = without_padding(text, length);
    for (size_t i = 0; i < length; i++)
        if (!is_key_character(text[i]))
            return false;
    return length > 0;
}

bool api_key_has_form(const char *text, size_t length)
{
    return length >= API_KEY_MIN && length <= API_KEY_MAX && is_token(text, length);
}

/* Whether all of it follows from less than `length` - 8 characters at its start: one character, a word, the alphabet.
 * No random text of this length ever does. */
static bool is_repetition(const char *text, size_t length)
{
    enum { CHANCE = 8 };
    for (size_t period = 1; period + CHANCE <= length; period++)
        if (memcmp(text, text + period, length - period) == 0)
            return true;
    return false;
}

static size_t count_different(const char *text, size_t length)
{
    bool is_seen[256] = {false};
    size_t count = 0;
    for (size_t i = 0; i < length; i++) {
        unsigned char c = (unsigned char)text[i];
        count += !is_seen[c];
        is_seen[c] = true;
    }
    return count;
}

const char *api_key_fault(const char *text, size_t length)
{
    enum { DIFFERENT_MIN = 8 };
    if (length < API_KEY_MIN)
        return "has fewer than 40 characters";
    if (length > API_KEY_MAX)
        return "has more than 128 characters";
    if (!is_token(text, length))
        return "may hold letters, digits and - . _ ~ + / alone, with = at its end";
    if (is_repetition(text, length) || count_different(text, length) < DIFFERENT_MIN)
        return "can be guessed: take random characters, as a password manager makes them";
    return NULL;
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
