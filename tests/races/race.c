/* A data race, for check.sh: two threads ask the store for a key and then count, without a lock, how often. Whoever
 * asks Berkeley DB takes its latches; the sanitizer must not take those for an order between the threads.
 *
 *     race DATA_DIR */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/conf.h"
#include "store/store.h"

#define ROUNDS 200

static unsigned unguarded;

static void *ask_and_count(void *context)
{
    struct store *store = context;
    const unsigned char nobodys[SHA256_BYTES] = {0};
    struct api_key key = {0};
    for (int i = 0; i < ROUNDS; i++) {
        if (store_key_find(store, nobodys, &key) != STATUS_NOT_FOUND)
            abort();
        unguarded++;
    }
    return NULL;
}

int main(int argc, char **argv)
{
    struct conf conf;
    struct failure failure = {""};
    struct store *store;
    pthread_t other;
    if (argc != 2 || setenv("HOOKTURN_DATA_DIR", argv[1], 1) != 0 ||
        conf_load("/dev/null", NULL, &conf, &failure) != STATUS_OK ||
        store_open(&conf, STORE_FOR_COMMAND, &store, &failure) != STATUS_OK) {
        fprintf(stderr, "race: %s\n", failure.text);
        return EXIT_FAILURE;
    }
    if (pthread_create(&other, NULL, ask_and_count, store) != 0)
        abort();
    ask_and_count(store);
    pthread_join(other, NULL);
    store_close(store);
    conf_clear(&conf);
    return EXIT_SUCCESS;
}
