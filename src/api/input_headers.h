/* A subscription's own headers as a client gives them. */
#ifndef HOOKTURN_API_INPUT_HEADERS_H
#define HOOKTURN_API_INPUT_HEADERS_H

#include <json-c/json.h>

#include "api/response.h"
#include "model/subscription.h"

/* Merges `map`, an object, into `headers`: a null takes the header of that very name away, a text replaces it where it
 * stands or comes behind. NULL, or a sentence about the headers as a whole; mistakes in values are added to `errors`
 * under "headers.<name>". */
const char *input_headers(json_object *map, struct header_list *headers, struct field_errors *errors);

#endif
