/* What the user database says. */
#ifndef HOOKTURN_BASE_USER_H
#define HOOKTURN_BASE_USER_H

#include <sys/types.h>

/* The user's home directory; NULL where the database knows none. The caller frees. One thread at a time. */
char *user_home(uid_t uid);

#endif
