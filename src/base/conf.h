/* The configuration: one typed table (conf_keys.c) reads the file, the environment, and writes the sample. */
#ifndef HOOKTURN_BASE_CONF_H
#define HOOKTURN_BASE_CONF_H

#include <stdbool.h>
#include <stdint.h>

#include "base/address.h"
#include "base/buf.h"
#include "base/log.h"
#include "base/status.h"

enum retry_strategy { RETRY_FIXED_DELAY = 1, RETRY_EXPONENTIAL_BACKOFF = 2 };

/* Times in milliseconds, sizes in bytes. Strings are never NULL. */
struct conf {
    char *path; /* the file that was read; "" where there was none */
    char *data_dir;
    char *store;
    char *master_key_file;
    int64_t secret_grace_ms;
    int64_t request_timeout_ms;
    enum retry_strategy retry_strategy;
    int64_t retry_attempts;
    int64_t retry_max_delay_ms;
    int64_t disable_after_ms;
    int64_t concurrency;
    int64_t destination_concurrency;
    struct destination_policy destinations; /* allow_destinations and deny_ports */
    int64_t max_subscriptions;
    int64_t max_waiting;
    bool require_https;
    int64_t retention_ms;
    bool worker_is_auto;
    int64_t worker_idle_ms;
    char *base_path; /* "" or "/…" without a slash at its end */
    int64_t threads;
    int64_t max_body;
    enum log_level log_level;
    char *log_file;
};

/* Reads, in rising precedence: the defaults, the file, HOOKTURN_<KEY> in the process's environment.
 * The file is `path` (-c), else HOOKTURN_CONF, else ~/.hookturn/hookturn.conf where it exists, else `installed` where
 * it exists (NULL: none), else none. A file that was named and cannot be read is an error.
 * `~` at the start of a path value is the home directory: HOME, or the user database's where that is unset.
 * STATUS_INVALID, STATUS_NOT_FOUND, STATUS_DENIED or STATUS_IO, with a failure text that names file, line and key.
 * Clear with conf_clear, also after a failure. */
enum status conf_load(const char *path, const char *installed, struct conf *out, struct failure *failure) MUST_USE;
void conf_clear(struct conf *conf);

/* Appends the commented sample: every key with its meaning and its default, `data_dir` (and it alone) set, where
 * `data_dir` is not NULL. */
void conf_write_sample(const char *data_dir, struct buf *out);

/* One row of the table as text, for the sample, the manual's check and tests; NULL behind the last. */
const char *conf_key_name(size_t index);

/* "/home/name" of the effective user as described above; the caller frees. */
char *conf_home(void);

#endif
