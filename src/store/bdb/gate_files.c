/* The small files of the gate; see gate.h for what they mean. */
#include "store/bdb/gate_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum {
    RESERVE_BYTES = 16 * 1024 * 1024,
    LOAN_BYTES = 64 * 1024, /* more than a live entry takes on any file system */
    BOOT_ID = 64
};

uint64_t gate_epoch_read(int epoch_file)
{
    uint64_t epoch = 0;
    return pread(epoch_file, &epoch, sizeof epoch, 0) == (ssize_t)sizeof epoch ? epoch : 0;
}

enum status gate_epoch_write(int epoch_file, uint64_t epoch)
{
    return pwrite(epoch_file, &epoch, sizeof epoch, 0) == (ssize_t)sizeof epoch ? STATUS_OK : status_of_errno();
}

static void boot_id(char out[BOOT_ID])
{
    memset(out, 0, BOOT_ID);
    int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
    if (fd < 0 || read(fd, out, BOOT_ID - 1) <= 0)
        snprintf(out, BOOT_ID, "unknown\n");
    if (fd >= 0)
        close(fd);
}

bool gate_ready_is_there(int home)
{
    char now[BOOT_ID];
    char then[BOOT_ID] = {0};
    boot_id(now);
    int fd = openat(home, "ready", O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, then, sizeof then - 1);
    close(fd);
    return length > 0 && strcmp(now, then) == 0;
}

enum status gate_ready_make(int home)
{
    char now[BOOT_ID];
    boot_id(now);
    int fd = openat(home, "ready.new", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (fd < 0)
        return status_of_errno();
    ssize_t length = write(fd, now, strlen(now));
    enum status status = length == (ssize_t)strlen(now) ? STATUS_OK : status_of_errno();
    close(fd);
    if (status == STATUS_OK && renameat(home, "ready.new", home, "ready") != 0)
        status = status_of_errno();
    return status;
}

/* Blocks are really taken: a sparse file reserves nothing. What there is of it already stays where there is no more. */
static int fill_reserve(int home)
{
    int fd = openat(home, "reserve", O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0)
        return errno;
    int cause = posix_fallocate(fd, 0, RESERVE_BYTES);
    close(fd);
    return cause;
}

enum status gate_reserve_make(int home)
{
    struct stat stat_buffer = {0};
    if (fstatat(home, "reserve", &stat_buffer, AT_SYMLINK_NOFOLLOW) == 0 && stat_buffer.st_size >= RESERVE_BYTES)
        return STATUS_OK;
    int cause = fill_reserve(home);
    if (cause == 0)
        return STATUS_OK;
    if (stat_buffer.st_size == 0)
        unlinkat(home, "reserve", 0);
    errno = cause;
    return status_of_errno();
}

bool gate_reserve_lend(int home)
{
    struct stat stat_buffer;
    int fd = openat(home, "reserve", O_WRONLY | O_CLOEXEC);
    bool lent = fd >= 0 && fstat(fd, &stat_buffer) == 0 && stat_buffer.st_size - LOAN_BYTES >= RESERVE_BYTES / 2 &&
                ftruncate(fd, stat_buffer.st_size - LOAN_BYTES) == 0;
    if (fd >= 0)
        close(fd);
    return lent;
}
