/* One request through the process's environment, standard input and standard output. */
#ifndef HOOKTURN_CGI_PLAIN_CGI_H
#define HOOKTURN_CGI_PLAIN_CGI_H

#include "api/api.h"
#include "base/conf.h"

/* The exit status. */
int plain_cgi_run(struct api *api, const struct conf *conf);
/* Answers with 500 where the program cannot even begin, and logs the answer's trace id: the server would make a page of
 * its own of it. The exit status. */
int plain_cgi_refuse(void);

#endif
