/* docs/openapi.yaml as JSON, put into the program by the build. */
#ifndef HOOKTURN_API_OPENAPI_DOCUMENT_H
#define HOOKTURN_API_OPENAPI_DOCUMENT_H

#include <stddef.h>

extern const unsigned char openapi_document[];
extern const size_t openapi_document_length;

#endif
