/* What lies on the disk: the configuration, the data directory, the master key. */
#include "cmd/doctor.h"

#include <errno.h>
#include <fts.h>
#include <inttypes.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include "base/keyring.h"
#include "store/data_dir.h"
#include "store/setup.h"
#include "store/setup_file.h"

/* ---- the configuration ---- */

void doctor_configuration(struct doctor *doctor, struct finding *finding)
{
    if (doctor->conf_status != STATUS_OK)
        finding_set(finding, DOCTOR_PROBLEM, "%s", doctor->conf_failure.text);
    else if (doctor->conf->path[0] == '\0')
        finding_set(finding, DOCTOR_OK, "no file, the defaults hold");
    else
        finding_set(finding, DOCTOR_OK, "%s", doctor->conf->path);
}

/* Who may write it decides what is run and where data goes. Without a file there is nothing to say. */
void doctor_configuration_file(struct doctor *doctor, struct finding *finding)
{
    struct stat info;
    const char *path = doctor->conf->path;
    if (path[0] == '\0') {
        finding_set(finding, DOCTOR_OK, "none is needed");
    } else if (stat(path, &info) != 0 || access(path, R_OK) != 0) {
        finding_set(finding, DOCTOR_PROBLEM, "%s cannot be read by user %lu, who runs the service: %s", path,
                    (unsigned long)geteuid(), strerror(errno));
        finding_advise(finding, "let that user read it: chown %lu %s", (unsigned long)geteuid(), path);
    } else if (info.st_mode & (S_IWGRP | S_IWOTH)) {
        finding_set(finding, DOCTOR_PROBLEM, "%s can be changed by other users", path);
        finding_advise(finding, "chmod go-w %s", path);
    } else if (info.st_uid != geteuid() && info.st_uid != 0) {
        finding_set(finding, DOCTOR_WARNING, "%s belongs to user %lu, who can change it", path,
                    (unsigned long)info.st_uid);
        finding_advise(finding, "chown %lu %s", (unsigned long)geteuid(), path);
    } else {
        finding_set(finding, DOCTOR_OK, "can be changed by its owner alone");
    }
}

/* All waits between the attempts of the default policy. */
static int64_t retry_window_ms(const struct conf *conf)
{
    int64_t sum_ms = 0, delay_ms = 5000;
    for (int64_t i = 0; i < conf->retry_attempts; i++) {
        bool is_capped = conf->retry_strategy == RETRY_FIXED_DELAY || delay_ms > conf->retry_max_delay_ms;
        sum_ms += is_capped ? conf->retry_max_delay_ms : delay_ms;
        delay_ms = is_capped ? delay_ms : delay_ms * 6;
    }
    return sum_ms;
}

static bool is_concurrency_upside_down(const struct conf *conf)
{
    return conf->destination_concurrency > conf->concurrency;
}

static bool is_retention_short(const struct conf *conf)
{
    return conf->retention_ms < retry_window_ms(conf);
}

static bool is_disabling_early(const struct conf *conf)
{
    return conf->disable_after_ms < retry_window_ms(conf);
}

static bool is_grace_short(const struct conf *conf)
{
    return conf->secret_grace_ms < 3600000;
}

static bool is_idle_short(const struct conf *conf)
{
    return conf->worker_is_auto && conf->worker_idle_ms < 1000;
}

static const struct {
    bool (*is_so)(const struct conf *conf);
    const char *message;
    const char *remedy;
} contradictions[] = {
    {is_concurrency_upside_down, "destination_concurrency is larger than concurrency: one host may take every place",
     "lower destination_concurrency"},
    {is_retention_short, "retention is shorter than the default policy's retries take",
     "raise retention, or lower retry_attempts or retry_max_delay"},
    {is_disabling_early, "disable_after is shorter than the default policy's retries take",
     "raise disable_after, or lower retry_attempts or retry_max_delay"},
    {is_grace_short, "secret_grace leaves receivers less than an hour for taking over a rotated secret",
     "raise secret_grace (its default is 72h)"},
    {is_idle_short, "worker_idle ends workers within a second of their last delivery, to be started again at once",
     "raise worker_idle (its default is 60s)"},
};
enum { CONTRADICTIONS = sizeof contradictions / sizeof contradictions[0] };

void doctor_settings(struct doctor *doctor, struct finding *finding)
{
    finding_set(finding, DOCTOR_OK, "nothing contradicts anything");
    for (size_t i = 0; i < CONTRADICTIONS; i++)
        if (contradictions[i].is_so(doctor->conf)) {
            finding_set(finding, DOCTOR_WARNING, "%s", contradictions[i].message);
            finding_advise(finding, "%s", contradictions[i].remedy);
            return;
        }
}

/* It is made by who logs first, so its directory will do. */
void doctor_log_file(struct doctor *doctor, struct finding *finding)
{
    const char *path = doctor->conf->log_file;
    struct buf directory = {0};
    buf_append(&directory, path, path[0] ? (size_t)(strrchr(path, '/') - path) + 1 : 0);
    bool is_there = access(path, F_OK) == 0;
    if (path[0] == '\0') {
        finding_set(finding, DOCTOR_OK, "standard error");
    } else if (access(is_there ? path : directory.data, W_OK) == 0) {
        finding_set(finding, DOCTOR_OK, "%s", path);
    } else {
        finding_set(finding, DOCTOR_PROBLEM, "%s cannot be written: %s", path, strerror(errno));
        finding_advise(finding, "set log_file to a path that user %lu can write", (unsigned long)geteuid());
    }
    buf_clear(&directory);
}

/* ---- the data directory ---- */

void doctor_data_directory(struct doctor *doctor, struct finding *finding)
{
    struct failure failure;
    const char *path = doctor->conf->data_dir;
    if (data_dir_check(path, &failure) != STATUS_OK) {
        finding_set(finding, DOCTOR_PROBLEM, "%s", failure.text);
        return;
    }
    doctor->facts |= FACT_DATA;
    if (access(path, R_OK | W_OK | X_OK) != 0) {
        finding_set(finding, DOCTOR_PROBLEM, "%s cannot be written: %s", path, strerror(errno));
        finding_advise(finding, "chmod 700 %s, or mount the file system for writing", path);
    } else {
        finding_set(finding, DOCTOR_OK, "%s is ours alone, on a local disk", path);
    }
}

/* Recovery needs room of its own, and the log is some 32 MiB before old parts of it go. */
void doctor_space(struct doctor *doctor, struct finding *finding)
{
    enum { PROBLEM_MIB = 32, WARNING_MIB = 256, PROBLEM_FILES = 100, WARNING_FILES = 1000 };
    struct statvfs info;
    if (statvfs(doctor->conf->data_dir, &info) != 0) {
        finding_set(finding, DOCTOR_WARNING, "the free space cannot be found out: %s", strerror(errno));
        return;
    }
    const uint64_t mib = (uint64_t)info.f_bavail * info.f_frsize >> 20;
    const bool knows_files = info.f_files > 0; /* some file systems make them as they need them */
    const uint64_t files = info.f_favail;
    bool is_problem = mib < PROBLEM_MIB || (knows_files && files < PROBLEM_FILES);
    bool is_warning = mib < WARNING_MIB || (knows_files && files < WARNING_FILES);
    struct buf text = {0};
    buf_printf(&text, "%" PRIu64 " MiB free", mib);
    if (knows_files)
        buf_printf(&text, ", room for %" PRIu64 " files", files);
    finding_set(finding, is_problem ? DOCTOR_PROBLEM : is_warning ? DOCTOR_WARNING : DOCTOR_OK, "%s", buf_text(&text));
    if (is_warning)
        finding_advise(finding, "make room on the file system of %s: a full one stops publishing",
                       doctor->conf->data_dir);
    buf_clear(&text);
}

/* Whether it lies in `bin`, the program's place where there is no other one. */
static bool is_program(const struct doctor *doctor, const char *path)
{
    size_t length = strlen(doctor->conf->data_dir);
    const char *inner = path + length;
    return strncmp(inner, "/bin", 4) == 0 && (inner[4] == '\0' || inner[4] == '/');
}

/* A configuration in the data directory may be read by others, and so may the program. */
static bool is_open(const struct doctor *doctor, const FTSENT *entry)
{
    const struct stat *info = entry->fts_statp;
    if (info->st_uid != geteuid())
        return true;
    mode_t open = is_program(doctor, entry->fts_path) ? S_IWGRP | S_IWOTH : S_IRWXG | S_IRWXO;
    return !S_ISLNK(info->st_mode) && (info->st_mode & open) != 0 && strcmp(entry->fts_path, doctor->conf->path) != 0;
}

void doctor_permissions(struct doctor *doctor, struct finding *finding)
{
    enum { LOOKED_AT_MAX = 100000 };
    char *const roots[] = {doctor->conf->data_dir, NULL};
    FTS *walk = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR | FTS_XDEV, NULL);
    uint64_t count = 0, open = 0;
    for (const FTSENT *entry; walk && count < LOOKED_AT_MAX && (entry = fts_read(walk)) != NULL;) {
        if (entry->fts_info == FTS_DP || entry->fts_info == FTS_NS || entry->fts_info == FTS_ERR)
            continue; /* seen before, or gone meanwhile */
        count++;
        if (is_open(doctor, entry) && open++ == 0)
            finding_set(finding, DOCTOR_PROBLEM, "%s is not ours alone", entry->fts_path);
    }
    if (walk)
        fts_close(walk);
    if (open == 0) {
        finding_set(finding, DOCTOR_OK, "%" PRIu64 " files are ours alone", count);
        return;
    }
    if (open > 1)
        buf_printf(&finding->message, ", and %" PRIu64 " more", open - 1);
    finding_advise(finding, "chown -R %lu %s && chmod -R go-rwx %s", (unsigned long)geteuid(), doctor->conf->data_dir,
                   doctor->conf->data_dir);
}

void doctor_master_key(struct doctor *doctor, struct finding *finding)
{
    struct failure failure;
    struct keyring *keyring;
    char fingerprint[17];
    if (keyring_open(doctor->conf->master_key_file, &keyring, &failure) != STATUS_OK) {
        finding_set(finding, DOCTOR_PROBLEM, "%s", failure.text);
        return;
    }
    keyring_fingerprint(keyring, fingerprint);
    size_t count = keyring_count(keyring);
    keyring_free(keyring);
    finding_set(finding, count > 1 ? DOCTOR_WARNING : DOCTOR_OK, "%s, fingerprint %s", doctor->conf->master_key_file,
                fingerprint);
    if (count > 1) {
        buf_printf(&finding->message, ", and %zu older: a change of keys is not finished", count - 1);
        finding_advise(finding, "hookturn rekey, which goes on with it, unless one is running");
    }
}

/* One beside a store holds a key that nobody is let in with. */
static void look_at_setup_file(const char *path, bool has_store, struct finding *finding)
{
    struct failure failure;
    struct setup_file setup = {0};
    if (has_store) {
        finding_set(finding, DOCTOR_WARNING, "%s is not used, because there is a store already", path);
        finding_advise(finding, "remove it; for another key: hookturn key create");
    } else if (access(path, F_OK) == 0 && setup_file_read(path, &setup, &failure) != STATUS_OK) {
        finding_set(finding, DOCTOR_PROBLEM, "%s", failure.text);
        finding_advise(finding, "correct it: the first request reads it");
    } else {
        finding_set(finding, DOCTOR_OK, "%s is waiting for the first request", path);
    }
    setup_file_clear(&setup);
}

void doctor_setup_file(struct doctor *doctor, struct finding *finding)
{
    struct buf path = {0}, store = {0};
    buf_printf(&path, "%s/" SETUP_FILE_NAME, doctor->conf->data_dir);
    buf_printf(&store, "%s/store", doctor->conf->data_dir);
    if (setup_is_pending(doctor->conf->data_dir))
        look_at_setup_file(path.data, access(store.data, F_OK) == 0, finding);
    else
        finding_set(finding, DOCTOR_OK, "none is left");
    buf_clear(&store);
    buf_clear(&path);
}
