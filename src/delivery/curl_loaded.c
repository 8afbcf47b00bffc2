/* libcurl by dlopen: libcurl's functions under their own names, each of which calls the one that was loaded. Those who
 * call them need not know. Only the portable build has this file; curl_linked.c stands for it elsewhere. */
#include "delivery/curl_library.h"

#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>

/* <curl/curl.h> has macros of the same names, to check calls. */
#undef curl_easy_getinfo
#undef curl_easy_setopt
#undef curl_multi_setopt

enum { OLDEST = 0x073D00 }; /* 7.61: what Red Hat's 8 and its relatives have */

static struct {
    void (*easy_cleanup)(CURL *easy);
    CURLcode (*easy_getinfo)(CURL *easy, CURLINFO info, ...);
    CURL *(*easy_init)(void);
    CURLcode (*easy_perform)(CURL *easy);
    CURLcode (*easy_setopt)(CURL *easy, CURLoption option, ...);
    const char *(*easy_strerror)(CURLcode code);
    time_t (*getdate)(const char *text, const time_t *unused);
    void (*global_cleanup)(void);
    CURLcode (*global_init)(long flags);
    CURLMcode (*multi_add_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_cleanup)(CURLM *multi);
    CURLMsg *(*multi_info_read)(CURLM *multi, int *queued);
    CURLM *(*multi_init)(void);
    CURLMcode (*multi_perform)(CURLM *multi, int *running);
    CURLMcode (*multi_poll)(CURLM *multi, struct curl_waitfd *more, unsigned int count, int timeout_ms, int *ready);
    CURLMcode (*multi_remove_handle)(CURLM *multi, CURL *easy);
    CURLMcode (*multi_setopt)(CURLM *multi, CURLMoption option, ...);
    CURLMcode (*multi_wait)(CURLM *multi, struct curl_waitfd *more, unsigned int count, int timeout_ms, int *ready);
    struct curl_slist *(*slist_append)(struct curl_slist *list, const char *line);
    void (*slist_free_all)(struct curl_slist *list);
    char *(*version)(void);
    curl_version_info_data *(*version_info)(CURLversion version);
} loaded;

static const struct {
    const char *name;
    void *slot; /* of a pointer to a function */
    bool is_optional;
} functions[] = {
    {"curl_easy_cleanup", &loaded.easy_cleanup, false},
    {"curl_easy_getinfo", &loaded.easy_getinfo, false},
    {"curl_easy_init", &loaded.easy_init, false},
    {"curl_easy_perform", &loaded.easy_perform, false},
    {"curl_easy_setopt", &loaded.easy_setopt, false},
    {"curl_easy_strerror", &loaded.easy_strerror, false},
    {"curl_getdate", &loaded.getdate, false},
    {"curl_global_cleanup", &loaded.global_cleanup, false},
    {"curl_global_init", &loaded.global_init, false},
    {"curl_multi_add_handle", &loaded.multi_add_handle, false},
    {"curl_multi_cleanup", &loaded.multi_cleanup, false},
    {"curl_multi_info_read", &loaded.multi_info_read, false},
    {"curl_multi_init", &loaded.multi_init, false},
    {"curl_multi_perform", &loaded.multi_perform, false},
    {"curl_multi_poll", &loaded.multi_poll, true}, /* since 7.66 */
    {"curl_multi_remove_handle", &loaded.multi_remove_handle, false},
    {"curl_multi_setopt", &loaded.multi_setopt, false},
    {"curl_multi_wait", &loaded.multi_wait, false},
    {"curl_slist_append", &loaded.slist_append, false},
    {"curl_slist_free_all", &loaded.slist_free_all, false},
    {"curl_version", &loaded.version, false},
    {"curl_version_info", &loaded.version_info, false},
};

/* ---- loading ---- */

/* The same interface under the names that distributions give it: OpenSSL's, GnuTLS's and NSS's variants. */
static void *open_any(struct failure *failure)
{
    static const char *const names[] = {"libcurl.so.4", "libcurl-gnutls.so.4", "libcurl-nss.so.4"};
    void *library = dlopen(names[0], RTLD_NOW | RTLD_LOCAL);
    if (!library)
        failure_set(failure,
                    "sending needs libcurl.so.4, which PHP's curl extension brings, and it cannot be loaded (%s); ask "
                    "your host for it (Debian: libcurl4, Red Hat: libcurl)",
                    dlerror());
    for (size_t i = 1; !library && i < sizeof names / sizeof *names; i++)
        library = dlopen(names[i], RTLD_NOW | RTLD_LOCAL);
    return library;
}

/* The name that it lacks; NULL: none. */
static const char *find_functions(void *library)
{
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++) {
        void *function = dlsym(library, functions[i].name);
        if (!function && !functions[i].is_optional)
            return functions[i].name;
        *(void **)functions[i].slot = function; /* POSIX lets the one pointer hold the other */
    }
    return NULL;
}

enum status curl_library_open(struct failure *failure)
{
    static void *library; /* stays for the process's life */
    if (library)
        return STATUS_OK;
    void *found = open_any(failure);
    if (!found)
        return STATUS_UNAVAILABLE;
    const char *missing = find_functions(found);
    if (missing)
        failure_set(failure, "this host's libcurl.so.4 lacks %s and cannot be used; ask for 7.61 or later", missing);
    else if (loaded.version_info(CURLVERSION_NOW)->version_num < OLDEST)
        failure_set(failure, "this host's libcurl (%s) cannot be used; ask for 7.61 or later", loaded.version());
    else
        library = found;
    return library ? STATUS_OK : STATUS_UNAVAILABLE;
}

bool curl_library_is_linked(void)
{
    return false;
}

const char *curl_library_version(void)
{
    return loaded.version();
}

/* ---- libcurl's functions ---- */

void curl_easy_cleanup(CURL *easy)
{
    loaded.easy_cleanup(easy);
}

/* What it writes to is a pointer, whichever it is. */
CURLcode curl_easy_getinfo(CURL *easy, CURLINFO info, ...)
{
    va_list arguments;
    va_start(arguments, info);
    void *out = va_arg(arguments, void *);
    va_end(arguments);
    return loaded.easy_getinfo(easy, info, out);
}

CURL *curl_easy_init(void)
{
    return loaded.easy_init();
}

CURLcode curl_easy_perform(CURL *easy)
{
    return loaded.easy_perform(easy);
}

/* An option's number says of which type its value is. */
CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    CURLcode code;
    va_list arguments;
    va_start(arguments, option);
    if (option < CURLOPTTYPE_OBJECTPOINT)
        /* NOLINTNEXTLINE(bugprone-branch-clone): each type of argument is read as what it is */
        code = loaded.easy_setopt(easy, option, va_arg(arguments, long));
    else if (option >= CURLOPTTYPE_OFF_T && option < CURLOPTTYPE_BLOB)
        code = loaded.easy_setopt(easy, option, va_arg(arguments, curl_off_t));
    else
        code = loaded.easy_setopt(easy, option, va_arg(arguments, void *));
    va_end(arguments);
    return code;
}

const char *curl_easy_strerror(CURLcode code)
{
    return loaded.easy_strerror(code);
}

time_t curl_getdate(const char *text, const time_t *unused)
{
    return loaded.getdate(text, unused);
}

void curl_global_cleanup(void)
{
    loaded.global_cleanup();
}

CURLcode curl_global_init(long flags)
{
    return loaded.global_init(flags);
}

CURLMcode curl_multi_add_handle(CURLM *multi, CURL *easy)
{
    return loaded.multi_add_handle(multi, easy);
}

CURLMcode curl_multi_cleanup(CURLM *multi)
{
    return loaded.multi_cleanup(multi);
}

CURLMsg *curl_multi_info_read(CURLM *multi, int *queued)
{
    return loaded.multi_info_read(multi, queued);
}

CURLM *curl_multi_init(void)
{
    return loaded.multi_init();
}

CURLMcode curl_multi_perform(CURLM *multi, int *running)
{
    return loaded.multi_perform(multi, running);
}

/* Its forerunner does not wait where it has nothing to wait for; the worker always has something. */
CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd *more, unsigned int count, int timeout_ms, int *ready)
{
    return (loaded.multi_poll ? loaded.multi_poll : loaded.multi_wait)(multi, more, count, timeout_ms, ready);
}

CURLMcode curl_multi_remove_handle(CURLM *multi, CURL *easy)
{
    return loaded.multi_remove_handle(multi, easy);
}

/* Only numbers are set here. */
CURLMcode curl_multi_setopt(CURLM *multi, CURLMoption option, ...)
{
    va_list arguments;
    va_start(arguments, option);
    long value = va_arg(arguments, long);
    va_end(arguments);
    return loaded.multi_setopt(multi, option, value);
}

struct curl_slist *curl_slist_append(struct curl_slist *list, const char *line)
{
    return loaded.slist_append(list, line);
}

void curl_slist_free_all(struct curl_slist *list)
{
    loaded.slist_free_all(list);
}

char *curl_version(void)
{
    return loaded.version();
}

curl_version_info_data *curl_version_info(CURLversion version)
{
    return loaded.version_info(version);
}
