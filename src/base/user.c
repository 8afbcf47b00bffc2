/* By the C library's own way to the user database, whatever that is on this machine. */
#include "base/user.h"

#include <pwd.h>

#include "base/mem.h"

char *user_home(uid_t uid)
{
    const struct passwd *user = getpwuid(uid);
    return user && user->pw_dir ? mem_strdup(user->pw_dir) : NULL;
}
