/* Replays a corpus without a fuzzer: each file below the directories that are named, each beginning of it, and it with
 * each byte changed. The bytes stand in memory of just their size, so that a sanitizer sees who reads beyond them. */
#include "fuzz.h"

#include <dirent.h>
#include <string.h>

enum { FILE_MAX = 65536, VARIED_MAX = 2048 };

static long replayed;

static void run(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size ? size : 1);
    MUST(copy);
    memcpy(copy, bytes, size);
    LLVMFuzzerTestOneInput(copy, size);
    free(copy);
    replayed++;
}

static void vary(uint8_t *bytes, size_t size)
{
    static const uint8_t changes[] = {0x01, 0x80, 0xff};
    for (size_t length = 0; length < size; length++)
        run(bytes, length);
    for (size_t at = 0; at < size; at++)
        for (size_t i = 0; i < sizeof changes; i++) {
            bytes[at] ^= changes[i];
            run(bytes, size);
            bytes[at] ^= changes[i];
        }
}

static void replay_file(const char *path)
{
    static uint8_t bytes[FILE_MAX];
    FILE *file = fopen(path, "rb");
    MUST(file);
    size_t size = fread(bytes, 1, sizeof bytes, file);
    fclose(file);
    run(bytes, size);
    if (size <= VARIED_MAX)
        vary(bytes, size);
}

static void replay_directory(const char *path)
{
    char name[4096];
    DIR *directory = opendir(path);
    MUST(directory);
    for (const struct dirent *entry; (entry = readdir(directory));)
        if (entry->d_name[0] != '.') {
            MUST(snprintf(name, sizeof name, "%s/%s", path, entry->d_name) < (int)sizeof name);
            replay_file(name);
        }
    closedir(directory);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        replay_directory(argv[i]);
    printf("%s: %ld inputs\n", argv[0], replayed);
    return replayed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
