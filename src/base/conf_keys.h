/* The table of configuration keys, and how a value's text becomes a member of struct conf. */
#ifndef HOOKTURN_BASE_CONF_KEYS_H
#define HOOKTURN_BASE_CONF_KEYS_H

#include <stddef.h>

#include "base/conf.h"

enum conf_kind {
    CONF_PATH,         /* absolute, or from ~/ or <data_dir>/ */
    CONF_PATH_OR_NONE, /* the same, or empty */
    CONF_BASE_PATH,
    CONF_WORD,   /* one of `choices`, kept as text */
    CONF_CHOICE, /* one of `choices`, kept as the enumeration's value */
    CONF_FLAG,   /* one of `choices`, kept as bool */
    CONF_DURATION,
    CONF_SIZE,
    CONF_INTEGER,
    CONF_DESTINATIONS,
    CONF_PORTS
};

/* A word that a value may be, whatever its case; a NULL word ends the list. */
struct conf_choice {
    const char *word;
    int value;
};

struct conf_key {
    const char *name;
    enum conf_kind kind;
    size_t offset;        /* of the member in struct conf */
    const char *fallback; /* the default, as it would stand in the file */
    const char *min;      /* bounds of numbers, in the same notation; both included */
    const char *max;
    const struct conf_choice *choices;
    const char *comment; /* for the sample, lines ended by "\n" */
};

/* Ends with a row without a name. `data_dir` is the first, because other paths may begin with it. */
extern const struct conf_key conf_keys[];

/* Where so many keys are counted at compile time, as in arrays beside the table. */
enum { CONF_KEYS_MAX = 32 };

/* The row's index, or -1. */
int conf_key_find(const char *name);
/* The known name within two edits of `name`, or NULL. */
const char *conf_key_suggest(const char *name);

/* Puts the value into `conf`, in place of what stood there. STATUS_INVALID with a failure text that quotes the value
 * and says what is allowed; the member is left as it was. */
enum status conf_value_parse(const struct conf_key *key, const char *text, struct conf *conf,
                             struct failure *failure) MUST_USE;
/* Frees what the member holds. */
void conf_value_clear(const struct conf_key *key, struct conf *conf);

#endif
