/* The names of retry strategies in JSON. */
#ifndef HOOKTURN_MODEL_RETRY_STRATEGY_H
#define HOOKTURN_MODEL_RETRY_STRATEGY_H

#include "base/conf.h"
#include "base/status.h"

const char *retry_strategy_name(enum retry_strategy strategy);
enum status retry_strategy_parse(const char *name, enum retry_strategy *out) MUST_USE;

#endif
