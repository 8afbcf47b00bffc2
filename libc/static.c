/* Only in a program that is linked statically (--enable-portable): what there would load parts of the machine's own C
 * library, which may be of another version. The user database is a file, nothing is loaded (OpenSSL would, where the
 * machine's openssl.cnf names a module), and no name is looked up (Berkeley DB would, for its replication). */
#include <netdb.h>
#include <pwd.h>
#include <stdio.h>

#include "base/mem.h"
#include "base/user.h"

char *user_home(uid_t uid)
{
    FILE *file = fopen("/etc/passwd", "re");
    const struct passwd *user = NULL;
    while (file && (user = fgetpwent(file)) != NULL && user->pw_uid != uid)
        continue;
    char *home = user && user->pw_dir ? mem_strdup(user->pw_dir) : NULL;
    if (file)
        fclose(file);
    return home;
}

/* The linker puts these in place of the functions without the prefix (--wrap). */
/* NOLINTBEGIN(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp): the linker's names */
void *__wrap_dlopen(const char *name, int flags);
int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out);
struct hostent *__wrap_gethostbyname(const char *name);
/* NOLINTEND(bugprone-reserved-identifier,cert-dcl37-c,cert-dcl51-cpp) */

void *__wrap_dlopen(const char *name, int flags)
{
    (void)name, (void)flags;
    return NULL;
}

int __wrap_getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    (void)host, (void)service, (void)hints, (void)out;
    return EAI_FAIL;
}

struct hostent *__wrap_gethostbyname(const char *name)
{
    (void)name;
    h_errno = NO_RECOVERY;
    return NULL;
}
