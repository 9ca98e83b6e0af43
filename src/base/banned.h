/* SPDX-License-Identifier: Apache-2.0 */
/* Functions that are not used here, and what is used instead. Included by the build in front of
 * every file of ours, so that using one does not compile. */
#ifndef BASE_BANNED_H
#define BASE_BANNED_H

/* The system headers that declare them come first: poisoned names cannot be declared any more. */
#include <alloca.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

#undef strcpy
#undef strcat
#undef strncpy
#undef strncat
#undef strtok
#undef alloca
#undef sprintf
#undef vsprintf
#undef gmtime
#undef localtime
#undef ctime
#undef asctime
#undef tmpnam
#undef mktemp
#pragma GCC poison strcpy strcat strncpy strncat strtok /* bake_buf, snprintf */
#pragma GCC poison sprintf vsprintf gets		/* snprintf, bake_buf_addf */
#pragma GCC poison atoi atol atoll atof strtol strtoul strtoll strtoull /* bake_number_parse */
#pragma GCC poison alloca tmpnam mktemp		  /* the sink makes part files */
#pragma GCC poison gmtime localtime ctime asctime /* the _r forms, bake_time_format */
#pragma GCC poison system popen			  /* no shell, ever */

#endif
