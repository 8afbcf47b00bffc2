/* libcurl is linked: there is nothing to look for, configure has seen its version. */
#include "delivery/curl_library.h"

#include <curl/curl.h>

enum status curl_library_open(struct failure *failure)
{
    (void)failure;
    return STATUS_OK;
}

bool curl_library_is_linked(void)
{
    return true;
}

const char *curl_library_version(void)
{
    return curl_version();
}
