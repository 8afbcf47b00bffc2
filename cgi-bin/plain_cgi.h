/* One request through the process's environment, standard input and standard output. */
#ifndef HOOKTURN_CGI_PLAIN_CGI_H
#define HOOKTURN_CGI_PLAIN_CGI_H

#include "api/api.h"
#include "base/conf.h"

/* The exit status. */
int plain_cgi_run(struct api *api, const struct conf *conf);

#endif
