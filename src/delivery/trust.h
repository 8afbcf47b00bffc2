/* Which certificate authorities a TLS server's certificate must go back to. */
#ifndef HOOKTURN_DELIVERY_TRUST_H
#define HOOKTURN_DELIVERY_TRUST_H

#include <stdbool.h>
#include <stddef.h>

/* SSL_CERT_FILE and SSL_CERT_DIR, OpenSSL's own variables for a private authority, else what libcurl was built with,
 * or, before 7.70 which does not tell, the file of a distribution that is there. */
struct trust {
    const char *file;      /* of certificates in PEM; NULL: libcurl knows none. Static or the environment's. */
    const char *directory; /* of such files, named by hashes; NULL likewise */
    bool is_from_environment;
};
/* Where curl_library_open succeeded. */
struct trust trust_find(void);
/* Certificates that can be read there; 0 also where there is none. */
size_t trust_count(const struct trust *trust);

#endif
