/* Retrying as JSON tells of it. */
#ifndef HOOKTURN_MODEL_RETRY_STRATEGY_H
#define HOOKTURN_MODEL_RETRY_STRATEGY_H

#include "base/conf.h"
#include "base/json_out.h"
#include "base/status.h"
#include "model/subscription.h"

const char *retry_strategy_name(enum retry_strategy strategy);
enum status retry_strategy_parse(const char *name, enum retry_strategy *out) MUST_USE;
/* Adds the member `retry_policy`, where there is one. */
void retry_strategy_put_policy(json_object *object, const struct retry_policy *policy);

#endif
