/* What the machine gives: its clock, its certificate authorities, the limits of a process. */
#include "cmd/doctor.h"

#include <inttypes.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/timex.h>

#include "base/clock.h"
#include "base/timestamp.h"
#include "delivery/curl_library.h"
#include "delivery/trust.h"
#include "store/worker_state.h"

/* ---- the clock ---- */

/* When this program was built or installed, by the clock of then: it cannot run before that. 0: not known. */
static int64_t program_time_ms(void)
{
    struct stat info;
    return stat("/proc/self/exe", &info) == 0 ? (int64_t)info.st_mtim.tv_sec * 1000 : 0;
}

static int64_t newest_known_ms(const struct doctor *doctor)
{
    struct worker_state worker = {.last_run_at_ms = 0};
    if (doctor->facts & FACT_DATA)
        worker_state_read(doctor->conf->data_dir, &worker);
    return worker.last_run_at_ms > doctor->store.newest_ms ? worker.last_run_at_ms : doctor->store.newest_ms;
}

void doctor_clock(struct doctor *doctor, struct finding *finding)
{
    const int64_t slack_ms = 60000, day_ms = 86400000;
    int64_t now_ms = clock_now_ms();
    int64_t newest_ms = newest_known_ms(doctor);
    char now[TIMESTAMP_SIZE], newest[TIMESTAMP_SIZE];
    timestamp_format(now_ms, now);
    timestamp_format(newest_ms, newest);
    if (now_ms < program_time_ms() - day_ms)
        finding_set(finding, DOCTOR_PROBLEM, "it shows %s, when this program was not there yet", now);
    else if (newest_ms > now_ms + slack_ms)
        finding_set(finding, DOCTOR_PROBLEM, "it shows %s, but something was done here at %s", now, newest);
    else
        finding_set(finding, DOCTOR_OK, "%s", now);
    if (finding->state != DOCTOR_OK)
        finding_advise(finding, "set it right: receivers refuse signatures of another time, and retries come late");
}

void doctor_clock_source(struct doctor *doctor, struct finding *finding)
{
    struct timex time = {.modes = 0}; /* asks */
    (void)doctor;
    int state = adjtimex(&time);
    if (state < 0) {
        finding_set(finding, DOCTOR_OK, "the kernel does not say whether it is synchronised");
    } else if (state == TIME_ERROR || (time.status & STA_UNSYNC) != 0) {
        finding_set(finding, DOCTOR_WARNING, "the clock is not synchronised");
        finding_advise(finding, "apt-get install systemd-timesyncd (or chrony); in a container, look at its host");
    } else {
        finding_set(finding, DOCTOR_OK, "synchronised");
    }
}

/* ---- libcurl and TLS ---- */

void doctor_libcurl(struct doctor *doctor, struct finding *finding)
{
    struct failure failure;
    if (curl_library_open(&failure) != STATUS_OK) {
        finding_set(finding, DOCTOR_PROBLEM, "%s", failure.text);
        return;
    }
    doctor->facts |= FACT_CURL;
    finding_set(finding, DOCTOR_OK, "%s", curl_library_version());
}

void doctor_trust(struct doctor *doctor, struct finding *finding)
{
    const struct trust trust = trust_find();
    size_t count = trust_count(&trust);
    const char *place = trust.file ? trust.file : trust.directory ? trust.directory : "libcurl's own";
    (void)doctor;
    if (count == 0 && (trust.file || trust.directory)) {
        finding_set(finding, DOCTOR_PROBLEM, "there is no certificate authority in %s: every https delivery fails",
                    place);
        finding_advise(finding, trust.is_from_environment
                                    ? "correct SSL_CERT_FILE and SSL_CERT_DIR, or unset them"
                                    : "apt-get install ca-certificates, or set SSL_CERT_FILE where the worker starts");
    } else if (trust.is_from_environment) {
        finding_set(finding, DOCTOR_OK, "%zu authorities in %s; the worker needs the same variables", count, place);
    } else {
        finding_set(finding, DOCTOR_OK, "%zu authorities in %s", count, place);
    }
}

/* ---- limits ---- */

/* A connection for each request in flight, the store's files, the log. */
void doctor_descriptors(struct doctor *doctor, struct finding *finding)
{
    enum { OTHERS = 64 };
    struct rlimit limit;
    uint64_t needed = (uint64_t)doctor->conf->concurrency + OTHERS;
    if (getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY || limit.rlim_cur >= needed) {
        finding_set(finding, DOCTOR_OK, "enough for concurrency = %" PRId64, doctor->conf->concurrency);
        return;
    }
    finding_set(finding, DOCTOR_PROBLEM,
                "a process may open %" PRIu64 " files, but concurrency = %" PRId64 " needs %" PRIu64,
                (uint64_t)limit.rlim_cur, doctor->conf->concurrency, needed);
    finding_advise(finding, "ulimit -n %" PRIu64 " where the worker starts, or lower concurrency", needed);
}

void doctor_limits(struct doctor *doctor, struct finding *finding)
{
    struct rlimit processor = {.rlim_cur = RLIM_INFINITY}, memory = {.rlim_cur = RLIM_INFINITY};
    struct buf text = {0};
    (void)doctor;
    (void)getrlimit(RLIMIT_CPU, &processor);
    (void)getrlimit(RLIMIT_AS, &memory);
    if (processor.rlim_cur != RLIM_INFINITY)
        buf_printf(&text, "%" PRIu64 " s of processor time, then a worker ends cleanly and another must be started",
                   (uint64_t)processor.rlim_cur);
    if (memory.rlim_cur != RLIM_INFINITY)
        buf_printf(&text, "%s%" PRIu64 " MiB of memory", text.length > 0 ? "; " : "", (uint64_t)memory.rlim_cur >> 20);
    finding_set(finding, DOCTOR_OK, "%s", text.length > 0 ? buf_text(&text) : "none on processor time and memory");
    buf_clear(&text);
}
