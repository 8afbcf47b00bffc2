/* How much room the store takes, by its files' sizes. */
#include "store/bdb/bdb.h"

#include <dirent.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>

/* Berkeley DB's own names: "log.0000000001", and "__db.001" for the shared regions, which are not data. */
#define LOG_PREFIX "log."
#define REGION_PREFIX "__db."

static bool begins_with(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

/* A file that went meanwhile takes no room. */
static void add_file(int directory_fd, const char *name, struct store_usage *usage)
{
    struct stat file;
    if (begins_with(name, REGION_PREFIX) || fstatat(directory_fd, name, &file, AT_SYMLINK_NOFOLLOW) != 0 ||
        !S_ISREG(file.st_mode))
        return;
    bool is_log = begins_with(name, LOG_PREFIX);
    *(is_log ? &usage->log_bytes : &usage->data_bytes) += (uint64_t)file.st_size;
    usage->log_files += is_log;
}

enum status bdb_usage(struct store *store, struct store_usage *out)
{
    const char *home = bdb_of(store)->home;
    struct statvfs system;
    DIR *directory = opendir(home);
    if (directory == NULL)
        return STATUS_IO;
    *out = (struct store_usage){.data_bytes = 0};
    for (const struct dirent *entry; (entry = readdir(directory)) != NULL;)
        add_file(dirfd(directory), entry->d_name, out);
    bool is_known = fstatvfs(dirfd(directory), &system) == 0;
    if (is_known)
        out->free_bytes = (uint64_t)system.f_bavail * system.f_frsize;
    closedir(directory);
    return is_known ? STATUS_OK : STATUS_IO;
}
