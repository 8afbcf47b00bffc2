/* A keyring of a new master key as a group's state; its file is gone again. */
#ifndef HOOKTURN_TESTS_KEYRING_FIXTURE_H
#define HOOKTURN_TESTS_KEYRING_FIXTURE_H

#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/keyring.h"

static inline int keyring_fixture_open(void **state)
{
    char directory[] = "/tmp/hookturn-keyring-XXXXXX", path[64];
    struct failure failure;
    struct keyring *keyring = NULL;
    if (mkdtemp(directory) == NULL)
        return -1;
    snprintf(path, sizeof path, "%s/master.key", directory);
    int result =
        keyring_create(path, &failure) == STATUS_OK && keyring_open(path, &keyring, &failure) == STATUS_OK ? 0 : -1;
    unlink(path);
    rmdir(directory);
    *state = keyring;
    return result;
}

static inline int keyring_fixture_close(void **state)
{
    keyring_free(*state);
    return 0;
}

#endif
