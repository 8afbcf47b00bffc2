/* Looks at the data directory before an engine touches it. The memory that the engine shares between processes lies in
 * files there: other users must not reach them, and network file systems do not keep them coherent. */
#include "store/data_dir.h"

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/types.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/conf.h"
#include "base/tree.h"

struct network_system {
    uint32_t magic; /* statfs(2) */
    const char *name;
};

static const struct network_system network_systems[] = {
    {0x00006969, "NFS"},  {0x0000517b, "SMB"},    {0xff534d42, "CIFS"}, {0xfe534d42, "SMB"},   {0x73757245, "Coda"},
    {0x5346414f, "AFS"},  {0x6b414653, "AFS"},    {0x00c36400, "Ceph"}, {0x01021997, "9P"},    {0x0bd00bd0, "Lustre"},
    {0x01161970, "GFS2"}, {0x7461636f, "OCFS2"},  {0x47504653, "GPFS"}, {0xaad7aaea, "PanFS"}, {0x786f4256, "vboxsf"},
    {0x0000564c, "NCP"},  {0x19830326, "BeeGFS"},
};

static enum status check_owner(const char *data_dir, const struct stat *info, struct failure *failure)
{
    if (info->st_uid != geteuid()) {
        failure_set(failure, "%s belongs to user %lu, not to the user that runs this (%lu): run it as that user",
                    data_dir, (unsigned long)info->st_uid, (unsigned long)geteuid());
        return STATUS_DENIED;
    }
    if (info->st_mode & (S_IRWXG | S_IRWXO)) {
        failure_set(failure, "%s is open to other users: run `chmod 700 %s`", data_dir, data_dir);
        return STATUS_DENIED;
    }
    return STATUS_OK;
}

static enum status check_file_system(const char *data_dir, struct failure *failure)
{
    struct statfs info;
    if (statfs(data_dir, &info) != 0) {
        failure_set(failure, "cannot examine the file system of %s: %s", data_dir, strerror(errno));
        return STATUS_IO;
    }
    for (size_t i = 0; i < sizeof network_systems / sizeof network_systems[0]; i++) {
        if (network_systems[i].magic == (uint32_t)info.f_type) {
            failure_set(failure, "%s is on a network file system (%s): set `data_dir` to a directory on a local disk",
                        data_dir, network_systems[i].name);
            return STATUS_INVALID;
        }
    }
    return STATUS_OK;
}

enum status data_dir_check(const char *data_dir, struct failure *failure)
{
    struct stat info;
    if (stat(data_dir, &info) != 0) {
        if (errno == ENOENT) {
            failure_set(failure, "%s does not exist: run `hookturn init`", data_dir);
            return STATUS_NOT_FOUND;
        }
        failure_set(failure, "cannot examine %s: %s", data_dir, strerror(errno));
        return errno == EACCES ? STATUS_DENIED : STATUS_IO;
    }
    if (!S_ISDIR(info.st_mode)) {
        failure_set(failure, "%s is not a directory: set `data_dir` to one", data_dir);
        return STATUS_INVALID;
    }
    enum status status = check_owner(data_dir, &info, failure);
    return status != STATUS_OK ? status : check_file_system(data_dir, failure);
}

enum status data_dir_write_conf(const char *data_dir, const char *path, struct failure *failure)
{
    struct buf text = {0};
    conf_write_sample(data_dir, &text);
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    bool worked = fd >= 0 && tree_write_all(fd, buf_slice(&text)) && fsync(fd) == 0;
    enum status status = worked ? STATUS_OK : errno == EEXIST ? STATUS_EXISTS : status_of_errno();
    if (!worked)
        failure_set(failure, "cannot write %s: %s", path, strerror(errno));
    if (fd >= 0)
        close(fd);
    buf_clear(&text);
    return status;
}
