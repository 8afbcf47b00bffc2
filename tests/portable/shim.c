/* A libcurl as it was before 7.64, in front of this machine's: without the options and the answers that came later.
 * Made by test_libcurl.py: VERSION_NUM says which version it claims to be. */
#include <curl/curl.h>
#include <dlfcn.h>
#include <stdarg.h>

#undef curl_easy_setopt

CURLcode curl_easy_setopt(CURL *easy, CURLoption option, ...)
{
    CURLcode (*next)(CURL *, CURLoption, ...) =
        (CURLcode(*)(CURL *, CURLoption, ...))dlsym(RTLD_NEXT, "curl_easy_setopt");
    va_list arguments;
    if (option == CURLOPT_PROTOCOLS_STR || option == CURLOPT_HTTP09_ALLOWED || option == CURLOPT_UPLOAD_BUFFERSIZE ||
        option == CURLOPT_QUICK_EXIT)
        return CURLE_UNKNOWN_OPTION;
    va_start(arguments, option);
    CURLcode code = option < CURLOPTTYPE_OBJECTPOINT || option >= CURLOPTTYPE_OFF_T
                        ? next(easy, option, va_arg(arguments, long))
                        : next(easy, option, va_arg(arguments, void *));
    va_end(arguments);
    return code;
}

/* It came with 7.66. */
CURLMcode curl_multi_poll(CURLM *multi, struct curl_waitfd *more, unsigned int count, int timeout_ms, int *ready)
{
    return curl_multi_wait(multi, more, count, timeout_ms, ready);
}

curl_version_info_data *curl_version_info(CURLversion version)
{
    static curl_version_info_data info;
    curl_version_info_data *(*next)(CURLversion) =
        (curl_version_info_data * (*)(CURLversion)) dlsym(RTLD_NEXT, "curl_version_info");
    info = *next(version);
    info.age = CURLVERSION_FIFTH;
    info.version_num = VERSION_NUM;
    info.cainfo = info.capath = (char *)1; /* not there in those days: who reads them reads anything */
    return &info;
}

char *curl_version(void)
{
    return "libcurl/old";
}
