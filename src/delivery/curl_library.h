/* Where libcurl's functions come from. The ordinary build is linked with libcurl; the portable one (--enable-portable)
 * loads the host's when it is needed, and nothing but sending depends on it. Both call the functions of <curl/curl.h>.
 */
#ifndef HOOKTURN_DELIVERY_CURL_LIBRARY_H
#define HOOKTURN_DELIVERY_CURL_LIBRARY_H

#include <stdbool.h>

#include "base/status.h"

/* To be called before any function of libcurl; again and again, if you like, in one thread.
 * STATUS_UNAVAILABLE with a failure text where there is no libcurl, or one that is too old. */
enum status curl_library_open(struct failure *failure) MUST_USE;

/* True where libcurl shares the libraries that we use, OpenSSL among them; else it has its own. */
bool curl_library_is_linked(void);
/* "libcurl/7.88.1 OpenSSL/3.0.11 …": of the one that was opened. */
const char *curl_library_version(void);

#endif
