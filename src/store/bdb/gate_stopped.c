/* Finding those that stand still; see gate_stopped.h. Only asked after a wait in vain, so it costs nobody anything. */
#include "store/bdb/gate_stopped.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"

/* The letter behind the program's name, which may hold anything. */
bool gate_is_stopped(long pid)
{
    char path[64], text[1024];
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return false;
    ssize_t length = read(fd, text, sizeof text - 1);
    close(fd);
    text[length > 0 ? length : 0] = '\0';
    const char *name_end = strrchr(text, ')');
    return name_end != NULL && strncmp(name_end, ") T", 3) == 0;
}

static bool is_same_users(long pid)
{
    char path[64];
    struct stat info;
    snprintf(path, sizeof path, "/proc/%ld", pid);
    return stat(path, &info) == 0 && info.st_uid == geteuid();
}

/* 0: nobody, or one of another pid namespace. The device does not count: the kernel's and stat's are not the same on
 * all file systems. */
static long find_holder(ino_t inode)
{
    char line[256];
    long holder = 0;
    FILE *locks = fopen("/proc/locks", "re");
    if (locks == NULL)
        return 0;
    while (holder == 0 && fgets(line, sizeof line, locks) != NULL) {
        long pid;
        unsigned long long locked;
        /* NOLINTNEXTLINE(cert-err34-c): the kernel writes no numbers that do not fit */
        if (sscanf(line, "%*d: FLOCK %*s WRITE %ld %*x:%*x:%llu", &pid, &locked) == 2 && locked == inode)
            holder = pid;
    }
    fclose(locks);
    return holder;
}

bool gate_kill_stopped_holder(int file)
{
    struct stat info;
    long pid = fstat(file, &info) == 0 ? find_holder(info.st_ino) : 0;
    if (pid <= 1 || !is_same_users(pid) || !gate_is_stopped(pid))
        return false;
    log_warn("store_kills_stopped", LOG_NUMBER("stopped", pid));
    return kill((pid_t)pid, SIGKILL) == 0;
}
