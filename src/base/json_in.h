/* JSON in: a value's text as json-c's objects. Running out of memory ends the process; json-c's own parser would leave
 * out a part of a text where it does not get the memory for it. */
#ifndef HOOKTURN_BASE_JSON_IN_H
#define HOOKTURN_BASE_JSON_IN_H

#include <json-c/json.h>

#include "base/buf.h"

/* `text`: one value, with space around it or not, that json_scan has found valid, its depth included. NULL is JSON's
 * null. Of members of one name the last counts; integers that do not fit become the nearest that does. The caller lets
 * it go, by json_out_wipe. */
json_object *json_in_value(struct slice text);

#endif
