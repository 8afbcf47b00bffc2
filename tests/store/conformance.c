/* The conformance suite of the store: `conformance ENGINE` (or HOOKTURN_STORE in the environment; "bdb"). */
#include "conformance.h"

#include <stdlib.h>

#include "base/log.h"

const char *conformance_engine = "bdb";

static int (*const groups[])(void) = {
    run_life_tests,    run_key_tests,      run_subscription_tests, run_list_tests,    run_delete_tests,
    run_answer_tests,  run_match_tests,    run_publish_tests,      run_claim_tests,   run_claimer_tests,
    run_settle_tests,  run_overview_tests, run_wide_tests,         run_log_tests,     run_hand_tests,
    run_recover_tests, run_forced_tests,   run_probe_tests,        run_backlog_tests, run_process_tests,
    run_health_tests,  run_pause_tests,    run_upkeep_tests,       run_copy_tests,    run_rekey_tests,
    run_export_tests,
};

int main(int argc, char **argv)
{
    const char *named = argc > 1 ? argv[1] : getenv("HOOKTURN_STORE");
    int failed = 0;
    if (named)
        conformance_engine = named;
    if (log_open(LOG_LEVEL_ERROR, NULL, NULL) != STATUS_OK)
        return EXIT_FAILURE;
    for (size_t i = 0; i < sizeof groups / sizeof groups[0]; i++)
        failed += groups[i]();
    return failed == 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
