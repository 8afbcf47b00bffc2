/* The line that says how far long work has come. */
#include "cmd/progress.h"

#include <inttypes.h>
#include <stdio.h>
#include <unistd.h>

#include "base/clock.h"
#include "cmd/family.h"

enum { SHOW_EVERY_MS = 200 };

static void show(const char *step, uint64_t done, uint64_t total)
{
    if (total > 0)
        fprintf(stderr, "\r\033[K%s: %" PRIu64 " %%", step, done >= total ? 100 : done * 100 / total);
    else
        fprintf(stderr, "\r\033[K%s: %" PRIu64, step, done);
    fflush(stderr);
}

static bool report(void *context, const char *step, uint64_t done, uint64_t total)
{
    struct progress *progress = context;
    int64_t now_ms = clock_monotonic_ms();
    if (isatty(STDERR_FILENO) && now_ms - progress->shown_at_ms >= SHOW_EVERY_MS) {
        progress->shown_at_ms = now_ms;
        show(step, done, total);
    }
    return !family_stop;
}

struct store_progress progress_begin(struct progress *progress)
{
    *progress = (struct progress){.shown_at_ms = 0};
    return (struct store_progress){.report = report, .context = progress};
}

void progress_end(struct progress *progress)
{
    if (progress->shown_at_ms == 0)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->shown_at_ms = 0;
}
