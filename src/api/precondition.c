/* If-Match, compared while the store holds the record, so that nobody changes it between the comparison and the
 * change. */
#include "api/precondition.h"

#include <string.h>

static const char *skip_space(const char *at)
{
    return at + strspn(at, " \t");
}

/* The end of the entity tag at `at`; NULL where there is none. */
static const char *end_of_tag(const char *at)
{
    if (strncmp(at, "W/", 2) == 0)
        at += 2;
    const char *end = at[0] == '"' ? strchr(at + 1, '"') : NULL;
    return end != NULL ? end + 1 : NULL;
}

/* The whole list is read, also behind a match: a malformed one matches nothing. Empty elements are allowed. */
static bool list_names(const char *list, const char *etag)
{
    bool found = false;
    for (const char *at = skip_space(list); *at != '\0';) {
        if (*at != ',') {
            const char *end = end_of_tag(at);
            if (end == NULL)
                return false;
            size_t length = (size_t)(end - at);
            found = found || (strlen(etag) == length && memcmp(etag, at, length) == 0);
            at = skip_space(end);
            if (*at != ',' && *at != '\0')
                return false;
        }
        at = skip_space(at + (*at == ','));
    }
    return found;
}

bool precondition_names(const char *if_match, const char *etag)
{
    const char *start = skip_space(if_match);
    if (start[0] == '*' && *skip_space(start + 1) == '\0')
        return true;
    return list_names(start, etag);
}

/* The version has been raised for the change already. */
enum status precondition_check(const struct request *request, const struct subscription *subscription, int64_t now_ms)
{
    if (request->if_match == NULL)
        return STATUS_OK;
    char etag[SUBSCRIPTION_ETAG];
    subscription_etag_of(subscription, subscription->version - 1, now_ms, etag);
    return precondition_names(request->if_match, etag) ? STATUS_OK : STATUS_PRECONDITION;
}
