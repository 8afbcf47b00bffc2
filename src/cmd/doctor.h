/* The checks of `hookturn doctor`: a table of them (cmd_doctor.c), the checks themselves by subject (doctor_*.c), and
 * what they share. A check looks at one thing, changes nothing, and says what it found in one line. */
#ifndef HOOKTURN_CMD_DOCTOR_H
#define HOOKTURN_CMD_DOCTOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/conf.h"
#include "model/api_key.h"
#include "store/store.h"

enum doctor_state { DOCTOR_OK, DOCTOR_WARNING, DOCTOR_PROBLEM };

/* What one check says; DOCTOR_OK and empty until it does. */
struct finding {
    enum doctor_state state;
    struct buf message;
    struct buf remedy; /* empty: there is nothing to do */
};
void finding_set(struct finding *finding, enum doctor_state state, const char *format, ...) PRINTF_LIKE(3, 4);
void finding_advise(struct finding *finding, const char *format, ...) PRINTF_LIKE(2, 3);

/* What was found out so far: a check whose needs are not met is left out, because the cause stands in a line above. */
enum doctor_fact {
    FACT_CONF = 1,  /* the configuration could be read */
    FACT_DATA = 2,  /* the data directory is there and ours */
    FACT_STORE = 4, /* the store could be read */
    FACT_URL = 8,   /* --url was given */
    FACT_WEB = 16,  /* and hookturn answers there */
    FACT_CURL = 32  /* libcurl can be used */
};

/* Read while the store was open, which is not for longer than that. */
struct store_facts {
    int format;
    uint64_t valid_keys;
    int64_t newest_ms; /* of the times in it that were looked at; 0: none */
    struct store_statistics statistics;
};

struct doctor {
    unsigned facts; /* enum doctor_fact, or-ed */
    const struct conf *conf;
    enum status conf_status;
    struct failure conf_failure;
    char *url;                     /* without slashes at its end */
    struct api_key trial_key;      /* with --url: for asking the web server as a client does */
    char trial_text[API_KEY_TEXT]; /* its secret */
    bool is_leaving;               /* the store must be left: all begins anew in another process */
    struct store_facts store;
    int64_t web_date_ms;        /* by the web server's clock; -1: it did not say */
    int64_t web_last_run_at_ms; /* what /healthz says of the worker; 0: nothing */
};

/* doctor_files.c */
void doctor_configuration(struct doctor *doctor, struct finding *finding);
void doctor_configuration_file(struct doctor *doctor, struct finding *finding);
void doctor_settings(struct doctor *doctor, struct finding *finding);
void doctor_log_file(struct doctor *doctor, struct finding *finding);
void doctor_data_directory(struct doctor *doctor, struct finding *finding);
void doctor_space(struct doctor *doctor, struct finding *finding);
void doctor_permissions(struct doctor *doctor, struct finding *finding);
void doctor_master_key(struct doctor *doctor, struct finding *finding);
void doctor_setup_file(struct doctor *doctor, struct finding *finding);
/* doctor_service.c */
void doctor_store(struct doctor *doctor, struct finding *finding);
void doctor_keys(struct doctor *doctor, struct finding *finding);
void doctor_worker(struct doctor *doctor, struct finding *finding);
void doctor_worker_program(struct doctor *doctor, struct finding *finding);
void doctor_backlog(struct doctor *doctor, struct finding *finding);
/* doctor_machine.c */
void doctor_clock(struct doctor *doctor, struct finding *finding);
void doctor_clock_source(struct doctor *doctor, struct finding *finding);
void doctor_libcurl(struct doctor *doctor, struct finding *finding);
void doctor_trust(struct doctor *doctor, struct finding *finding);
void doctor_descriptors(struct doctor *doctor, struct finding *finding);
void doctor_limits(struct doctor *doctor, struct finding *finding);
/* doctor_web.c */
void doctor_web(struct doctor *doctor, struct finding *finding);
void doctor_web_key(struct doctor *doctor, struct finding *finding);
void doctor_web_clock(struct doctor *doctor, struct finding *finding);

#endif
