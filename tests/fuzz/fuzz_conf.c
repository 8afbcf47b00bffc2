/* The configuration file, to its last value, and the setup file, which has the same syntax. */
#include "fuzz.h"

#include <string.h>

#include "base/conf_file.h"
#include "base/mem.h"
#include "model/api_key.h"
#include "store/setup_file.h"

/* As conf_load does it, without an environment. */
static void settle(const struct conf_file *file)
{
    struct conf conf = {.path = mem_strdup("")};
    struct failure failure = {""};
    for (size_t i = 0; conf_keys[i].name; i++) {
        MUST(conf_value_parse(&conf_keys[i], conf_keys[i].fallback, &conf, &failure) == STATUS_OK);
        const char *text = file->values[i].text;
        if (text && conf_value_parse(&conf_keys[i], text, &conf, &failure) != STATUS_OK)
            MUST(failure.text[0] && !strchr(failure.text, '\n'));
    }
    MUST(conf.data_dir[0] && conf.store[0] && conf.concurrency > 0 && conf.secret_grace_ms >= 0);
    conf_clear(&conf);
}

static void read_setup(struct slice text)
{
    struct setup_file setup;
    struct failure failure = {""};
    if (setup_file_parse("setup", text, &setup, &failure) == STATUS_OK)
        MUST(api_key_has_form(setup.key.data, setup.key.length) && setup.scopes != 0);
    else
        MUST(strncmp(failure.text, "setup:", 6) == 0 && !strchr(failure.text, '\n'));
    setup_file_clear(&setup);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct conf_file file = {0};
    struct failure failure = {""};
    setenv("HOME", "/home/fuzz", 1);
    enum status status = conf_file_parse("hookturn.conf", (struct slice){(const char *)data, size}, &file, &failure);
    if (status == STATUS_OK)
        settle(&file);
    else
        MUST(status == STATUS_INVALID && strncmp(failure.text, "hookturn.conf:", 14) == 0);
    conf_file_clear(&file);
    read_setup((struct slice){(const char *)data, size});
    return 0;
}
