/* The clock of the tests, linked in the place of src/base/clock.c into programs that are never installed: the system's
 * time and an offset. The offset stands in the file that HOOKTURN_TEST_CLOCK names, 8 bytes, an int64_t of
 * milliseconds. It is read anew each time, so what a test writes (or renames) there holds at once in every process.
 * Without variable or file the offset is 0. */
#include "base/clock.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <time.h>
#include <unistd.h>

static int64_t read_offset_ms(void)
{
    const char *path = getenv("HOOKTURN_TEST_CLOCK");
    int kept_errno = errno; /* a clock has no business with it */
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
    int64_t offset_ms = 0;
    if (fd >= 0) {
        if (read(fd, &offset_ms, sizeof offset_ms) != (ssize_t)sizeof offset_ms)
            offset_ms = 0;
        close(fd);
    }
    errno = kept_errno;
    return offset_ms;
}

static int64_t read_clock_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int64_t clock_now_ms(void)
{
    return read_clock_ms(CLOCK_REALTIME) + read_offset_ms();
}

int64_t clock_now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000 + read_offset_ms() * 1000;
}

/* Real: it must never go back, whatever a test does to the file. */
int64_t clock_monotonic_ms(void)
{
    return read_clock_ms(CLOCK_MONOTONIC);
}

void clock_sleep_ms(int64_t milliseconds)
{
    if (milliseconds <= 0)
        return;
    struct timespec pause = {(time_t)(milliseconds / 1000), (long)(milliseconds % 1000) * 1000000};
    nanosleep(&pause, NULL);
}
