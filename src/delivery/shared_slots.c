/* A worker's share of a destination's places, as locks on byte ranges of `worker.slots`, which stays empty. Locks of
 * the open file (F_OFD_SETLK): they never conflict with our own, so what is ours stands in a bit set beside them.
 *
 * Places of one destination are as good as each other: the lowest free ones are taken and the highest ones given back,
 * so that what a worker holds is mostly one range, and a range costs one call whatever its length. */
#include "delivery/shared_slots.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/crypto.h"
#include "base/log.h"
#include "base/mem.h"

enum { WORD_BITS = 64, ID_BITS = 47 /* with 16 for the place: a positive off_t */ };
_Static_assert(sizeof(off_t) == 8, "a place is a position in a file of 2^63 bytes");

struct shared_slots {
    int fd;
    size_t per_destination;
    bool has_complained;
};

/* ---- life ---- */

enum status shared_slots_open(const char *data_dir, size_t per_destination, struct shared_slots **out,
                              struct failure *failure)
{
    struct buf path = {0};
    buf_printf(&path, "%s/worker.slots", data_dir);
    int fd = open(buf_text(&path), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (fd < 0) {
        failure_set(failure, "cannot open %s: %s; the data directory must be writable", buf_text(&path),
                    strerror(errno));
        buf_clear(&path);
        return STATUS_IO;
    }
    buf_clear(&path);
    struct shared_slots *shared = mem_calloc(1, sizeof(*shared));
    shared->fd = fd;
    shared->per_destination = per_destination < SHARED_SLOTS_MAX ? per_destination : SHARED_SLOTS_MAX;
    *out = shared;
    return STATUS_OK;
}

void shared_slots_close(struct shared_slots *shared)
{
    if (!shared)
        return;
    (void)close(shared->fd);
    free(shared);
}

/* A digest, so that nobody finds a name that takes another's places away. */
uint64_t shared_slots_id(const char *destination)
{
    unsigned char digest[SHA256_BYTES];
    uint64_t id = 0;
    crypto_sha256(destination, strlen(destination), digest);
    for (int i = 0; i < 8; i++)
        id = id << 8 | digest[i];
    return id >> (64 - ID_BITS);
}

/* ---- locks ---- */

static struct flock range_of(uint64_t id, size_t first, size_t count, short type)
{
    return (struct flock){
        .l_type = type,
        .l_whence = SEEK_SET,
        .l_start = (off_t)(id * SHARED_SLOTS_MAX + first),
        .l_len = (off_t)count,
    };
}

/* Somebody else's is no error; anything else (the kernel has no memory for locks) is as if it were somebody else's. */
static bool lock(struct shared_slots *shared, uint64_t id, size_t first, size_t count)
{
    struct flock range = range_of(id, first, count, F_WRLCK);
    if (fcntl(shared->fd, F_OFD_SETLK, &range) == 0)
        return true;
    if (errno != EAGAIN && errno != EACCES && !shared->has_complained) {
        log_warn("worker_slots_unlockable", LOG_TEXT("error", strerror(errno)));
        shared->has_complained = true;
    }
    return false;
}

/* Where the first lock of another worker in the range begins and ends; false: there is none by now. */
static bool find_other(const struct shared_slots *shared, uint64_t id, size_t first, size_t count, size_t *from,
                       size_t *to)
{
    struct flock range = range_of(id, first, count, F_WRLCK);
    off_t zero = (off_t)(id * SHARED_SLOTS_MAX);
    if (fcntl(shared->fd, F_OFD_GETLK, &range) != 0 || range.l_type == F_UNLCK)
        return false;
    *from = range.l_start > zero ? (size_t)(range.l_start - zero) : 0;
    *to = range.l_len > 0 ? (size_t)(range.l_start + range.l_len - zero) : SHARED_SLOTS_MAX;
    return true;
}

/* ---- bits ---- */

static bool is_held(const struct shared_hold *hold, size_t place)
{
    return hold->bits && (hold->bits[place / WORD_BITS] >> (place % WORD_BITS) & 1);
}

static void mark(const struct shared_slots *shared, struct shared_hold *hold, size_t first, size_t count)
{
    if (!hold->bits)
        hold->bits = mem_calloc((shared->per_destination + WORD_BITS - 1) / WORD_BITS, sizeof(*hold->bits));
    for (size_t place = first; place < first + count; place++)
        hold->bits[place / WORD_BITS] |= UINT64_C(1) << (place % WORD_BITS);
    hold->count += count;
}

static void unmark(struct shared_hold *hold, size_t first, size_t count)
{
    for (size_t place = first; place < first + count; place++)
        hold->bits[place / WORD_BITS] &= ~(UINT64_C(1) << (place % WORD_BITS));
    hold->count -= count;
    if (hold->count == 0)
        shared_hold_clear(hold);
}

void shared_hold_clear(struct shared_hold *hold)
{
    free(hold->bits);
    *hold = (struct shared_hold){0};
}

/* ---- taking and giving back ---- */

/* How many places from `first` on are not ours, up to `most`. */
static size_t gap_at(const struct shared_slots *shared, const struct shared_hold *hold, size_t first, size_t most)
{
    size_t length = 0;
    while (length < most && first + length < shared->per_destination && !is_held(hold, first + length))
        length++;
    return length;
}

/* Takes what is free at the start of a gap, up to the first place of another worker. *first moves to where the search
 * goes on: behind that one's. */
static size_t take_gap(struct shared_slots *shared, uint64_t id, struct shared_hold *hold, size_t gap, size_t *first)
{
    size_t start = *first;
    *first += gap;
    while (gap > 0 && !lock(shared, id, start, gap)) {
        size_t from = start, to = start + gap; /* what has just become free is the next round's */
        (void)find_other(shared, id, start, gap, &from, &to);
        *first = to;
        gap = from > start ? from - start : 0;
    }
    if (gap > 0)
        mark(shared, hold, start, gap);
    return gap;
}

size_t shared_slots_take(struct shared_slots *shared, uint64_t id, struct shared_hold *hold, size_t wanted)
{
    size_t taken = 0;
    for (size_t first = 0; taken < wanted && first < shared->per_destination;) {
        size_t gap = gap_at(shared, hold, first, wanted - taken);
        if (gap == 0)
            first++;
        else
            taken += take_gap(shared, id, hold, gap, &first);
    }
    return taken;
}

void shared_slots_give_back(struct shared_slots *shared, uint64_t id, struct shared_hold *hold, size_t count)
{
    for (size_t end = shared->per_destination; count > 0 && end > 0;) {
        size_t length = 0;
        while (length < count && length < end && is_held(hold, end - 1 - length))
            length++;
        if (length == 0) {
            end--;
            continue;
        }
        struct flock range = range_of(id, end - length, length, F_UNLCK);
        (void)fcntl(shared->fd, F_OFD_SETLK, &range);
        unmark(hold, end - length, length);
        count -= length;
        end -= length;
    }
}
