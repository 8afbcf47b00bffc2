/* The web server's environment and body, as one struct request; the same for FastCGI and plain CGI. */
#ifndef HOOKTURN_CGI_REQUEST_H
#define HOOKTURN_CGI_REQUEST_H

#include <stddef.h>

#include "api/request.h"
#include "api/response.h"
#include "base/conf.h"

/* One exchange with the web server. */
struct cgi_door {
    const char *(*variable)(void *context, const char *name); /* NULL where it is not set */
    /* Up to `length` bytes of the body; 0 at its end or after a failure. */
    size_t (*read)(void *context, char *out, size_t length);
    void (*write)(void *context, const char *bytes, size_t length);
    void *context;
};

/* Reads everything that there is to know, the body up to conf->max_body. Clear with request_clear. */
void cgi_request_read(const struct cgi_door *door, const struct conf *conf, struct request *out);
/* One write; no body for HEAD. */
void cgi_response_write(const struct cgi_door *door, const struct request *request, const struct response *response);

#endif
