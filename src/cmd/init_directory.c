/* Makes and guards the directory of `hookturn init`. Its lock keeps a second init out, so that whatever appears in the
 * directory meanwhile was put there by this one and may be removed again. */
#include "cmd/init_directory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/tree.h"
#include "cmd/command.h"

/* ---- what stands in it ---- */

static int refuse_ours(const struct init_directory *directory)
{
    struct stat info;
    for (size_t i = 0; i < sizeof directory->ours / sizeof directory->ours[0] && directory->ours[i]; i++)
        if (fstatat(directory->fd, directory->ours[i], &info, AT_SYMLINK_NOFOLLOW) == 0)
            return command_fail("%s holds \"%s\" already, so nothing was changed; use what is there, or choose another "
                                "directory with --data",
                                directory->path, directory->ours[i]);
    return EXIT_DONE;
}

static int make_private(const struct init_directory *directory)
{
    if ((directory->mode_before & 077) == 0)
        return EXIT_DONE;
    if (!tree_is_free(directory->path))
        return command_fail("%s is open to other users, and holds something already; choose another directory with "
                            "--data, or run `chmod 700 %s` first",
                            directory->path, directory->path);
    if (fchmod(directory->fd, 0700) != 0)
        return command_fail("cannot make %s private: %s", directory->path, strerror(errno));
    return EXIT_DONE;
}

/* ---- making it ---- */

static void remember_made(struct init_directory *directory, const char *path)
{
    directory->made = mem_realloc(directory->made, directory->made_count + 1, sizeof *directory->made);
    directory->made[directory->made_count++] = mem_strdup(path);
}

static void remove_made(struct init_directory *directory)
{
    while (directory->made_count > 0) {
        char *path = directory->made[--directory->made_count];
        rmdir(path);
        free(path);
    }
}

/* 0, or errno. The parent of a directory may be a link; what is there is not made. */
static int make_one(struct init_directory *directory, const char *path)
{
    if (mkdir(path, 0700) == 0) {
        remember_made(directory, path);
        return 0;
    }
    return errno == EEXIST ? 0 : errno;
}

static int make_all(struct init_directory *directory)
{
    int error = 0;
    char *path = mem_strdup(directory->path);
    for (char *slash = strchr(path + 1, '/'); slash && error == 0; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        error = make_one(directory, path);
        if (error != 0)
            command_fail("cannot make the directory %s: %s; choose another with --data", path, strerror(error));
        *slash = '/';
    }
    if (error == 0 && (error = make_one(directory, path)) != 0)
        command_fail("cannot make the directory %s: %s; choose another with --data", path, strerror(error));
    free(path);
    return error == 0 ? EXIT_DONE : EXIT_FAILED;
}

static int take(struct init_directory *directory)
{
    struct stat info;
    int exit_status = command_become_owner(directory->path);
    if (exit_status != EXIT_DONE)
        return exit_status;
    directory->fd = open(directory->path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (directory->fd < 0 || fstat(directory->fd, &info) != 0)
        return command_fail("cannot open the directory %s: %s", directory->path, strerror(errno));
    directory->mode_before = info.st_mode & 07777;
    if (flock(directory->fd, LOCK_EX | LOCK_NB) != 0)
        return command_fail("another process is filling %s just now; wait for it", directory->path);
    exit_status = refuse_ours(directory);
    return exit_status == EXIT_DONE ? make_private(directory) : exit_status;
}

int init_directory_open(struct init_directory *directory)
{
    directory->fd = -1;
    int exit_status = make_all(directory);
    if (exit_status == EXIT_DONE)
        exit_status = take(directory);
    if (exit_status != EXIT_DONE) {
        remove_made(directory);
        init_directory_close(directory);
    }
    return exit_status;
}

void init_directory_undo(struct init_directory *directory)
{
    for (size_t i = 0; i < sizeof directory->ours / sizeof directory->ours[0] && directory->ours[i]; i++)
        tree_remove(directory->fd, directory->ours[i]);
    fchmod(directory->fd, directory->mode_before);
    remove_made(directory);
}

void init_directory_close(struct init_directory *directory)
{
    while (directory->made_count > 0)
        free(directory->made[--directory->made_count]);
    free(directory->made);
    directory->made = NULL;
    if (directory->fd >= 0)
        close(directory->fd);
    directory->fd = -1;
}
