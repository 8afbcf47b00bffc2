/* Whoever runs a command works as the data directory's owner: files of another user in it would lock the service
 * out. */
#include "cmd/command.h"

#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/process.h"

/* The groups before the user: afterwards there is no right to change them. */
static bool become(uid_t uid, gid_t gid)
{
    const struct passwd *user = getpwuid(uid);
    if (user)
        gid = user->pw_gid;
    bool groups_are_set = user ? initgroups(user->pw_name, gid) == 0 : setgroups(0, NULL) == 0;
    if (!groups_are_set || setgid(gid) != 0 || setuid(uid) != 0)
        return false;
    return setenv("HOME", user ? user->pw_dir : "/", 1) == 0;
}

int command_become_owner(const char *directory)
{
    struct stat info;
    if (stat(directory, &info) != 0) {
        if (errno == ENOENT)
            return command_fail("there is no data directory %s; run `hookturn init`", directory);
        return command_fail("cannot look at the data directory %s: %s; correct `data_dir` or its permissions",
                            directory, strerror(errno));
    }
    if (info.st_uid == geteuid())
        return EXIT_DONE;
    if (geteuid() != 0)
        return command_fail("the data directory %s belongs to user %lu; run this as that user", directory,
                            (unsigned long)info.st_uid);
    if (!become(info.st_uid, info.st_gid))
        return command_fail("cannot become user %lu, who owns %s: %s", (unsigned long)info.st_uid, directory,
                            strerror(errno));
    process_protect(); /* the kernel takes part of it back when the user changes */
    return EXIT_DONE;
}
