/* What every store engine must keep: shared by the files of the conformance suite. Each test, or group of tests, has a
 * store of its own in a temporary directory. */
#ifndef HOOKTURN_TESTS_STORE_CONFORMANCE_H
#define HOOKTURN_TESTS_STORE_CONFORMANCE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "base/clock.h"
#include "base/mem.h"
#include "store/store.h"

extern const char *conformance_engine; /* by name */

struct fixture {
    char data_dir[64];
    char master_key_file[96];
    struct conf conf;
    struct store *store; /* NULL after fixture_close */
    struct uuid org;
};

int fixture_make(void **state);
int fixture_remove(void **state);
/* For tests that share a store: an organization of its own. */
int fixture_new_organization(void **state);
/* The process may fork while the store is closed. */
void fixture_close(struct fixture *fixture);
void fixture_open(struct fixture *fixture);

/* ---- subscriptions ---- */

struct spec {
    const char *name;
    const char *event; /* the only one it wants; NULL: all */
    bool paused;
    struct object_id id; /* out */
};
/* For store_subscription_create; the context is a struct spec. */
enum status spec_apply(void *context, int64_t now_ms, struct subscription *subscription);
enum status try_subscription(struct fixture *fixture, struct spec *spec);
struct object_id add_subscription(struct fixture *fixture, const char *name);
/* For store_subscription_update; no context. */
enum status apply_nothing(void *context, int64_t now_ms, struct subscription *subscription);
enum status apply_pause(void *context, int64_t now_ms, struct subscription *subscription);
enum status apply_resume(void *context, int64_t now_ms, struct subscription *subscription);
enum status apply_delete(void *context, int64_t now_ms, struct subscription *subscription);
void change_subscription(struct fixture *fixture, const struct object_id *id,
                         enum status (*apply)(void *, int64_t, struct subscription *));

/* ---- events ---- */

struct event make_event(struct fixture *fixture, const char *name, int64_t created_at_ms);
/* Publishes one event of that time; the number of its deliveries goes to *count where it is not NULL. */
struct object_id publish_at(struct fixture *fixture, const char *name, int64_t created_at_ms, size_t *count);
/* A batch: one event for each millisecond from that time on. `ids` has room for `count`. */
void publish_many(struct fixture *fixture, const char *name, int64_t created_at_ms, size_t count,
                  struct object_id *ids);

/* ---- deliveries ---- */

enum { CLAIMS_MAX = 2000, LEASE_MS = 1000 };
struct claims {
    struct claim items[CLAIMS_MAX];
    size_t count;
    int64_t next_due_ms;
};
struct claims *claims_new(void);
/* Everything that is due is admitted. */
void claim_all(struct fixture *fixture, int64_t now_ms, size_t max, struct claims *out);
/* At most `count` for each subscription. */
void claim_some(struct fixture *fixture, int64_t now_ms, size_t max, size_t count, struct claims *out);
bool settle_one(struct fixture *fixture, const struct claim *claim, int64_t now_ms, enum delivery_status status,
                int64_t due_at_ms);
struct delivery get_delivery(struct fixture *fixture, const struct object_id *subscription_id,
                             const struct object_id *event_id);

/* The only one that is due; a claim without a generation where nothing is. */
struct claim claim_at(struct fixture *fixture, int64_t now_ms);
struct delivery retry_delivery(struct fixture *fixture, const struct object_id *subscription_id,
                               const struct object_id *event_id, int64_t now_ms);

/* ---- processes ---- */

/* Runs `work` in `count` children at once, each with the store open; the sum of what they return (below 100 each). */
int run_children(struct fixture *fixture, int count, int (*work)(struct fixture *fixture, int index));

/* ---- long work ---- */

struct place {
    char path[128];
};
/* Beside the store, in the fixture's directory. */
struct place place_of(const struct fixture *fixture, const char *name);
/* For struct store_progress: stops at the *context-th report, an int that is counted down; NULL: never. */
bool go_on(void *context, const char *step, uint64_t done, uint64_t total);
extern const struct store_progress never_stops;

/* ---- sealed things ---- */

/* For store_subscription_update: a new secret, and a header; the context is the fixture. */
enum status apply_sealed(void *context, int64_t now_ms, struct subscription *subscription);
struct object_id add_sealed(struct fixture *fixture, const char *name);
/* What is sealed in it opens, and is under the sealing key alone, if so. */
void assert_sealed(struct fixture *fixture, const struct object_id *id, bool is_current);
/* An update under the idempotency key whose bytes are all `byte`. */
enum status answer_once(struct fixture *fixture, const struct object_id *id, unsigned char byte);
void rekey(struct fixture *fixture, struct store_rekey *out);
/* As another process that changes the key, until the descriptor is closed. */
int hold_keys(struct fixture *fixture);

/* ---- the tests ---- */

#define CONFORMANCE_TEST(function) cmocka_unit_test_setup_teardown(function, fixture_make, fixture_remove)
/* In a group whose setup is fixture_make: quicker, where what other organizations have in the store is no matter. */
#define SHARING_TEST(function) cmocka_unit_test_setup(function, fixture_new_organization)

int run_life_tests(void);
int run_key_tests(void);
int run_subscription_tests(void);
int run_answer_tests(void);
int run_publish_tests(void);
int run_claim_tests(void);
int run_claimer_tests(void);
int run_pause_tests(void);
int run_settle_tests(void);
int run_health_tests(void);
int run_list_tests(void);
int run_delete_tests(void);
int run_match_tests(void);
int run_upkeep_tests(void);
int run_wide_tests(void);
int run_overview_tests(void);
int run_log_tests(void);
int run_hand_tests(void);
int run_recover_tests(void);
int run_forced_tests(void);
int run_probe_tests(void);
int run_backlog_tests(void);
int run_copy_tests(void);
int run_rekey_tests(void);
int run_export_tests(void);
int run_process_tests(void);

#endif
