/* SPDX-License-Identifier: Apache-2.0 */
/* How much may be put into a models directory. */
#ifndef CATALOGCLI_SPACE_H
#define CATALOGCLI_SPACE_H

#include <stdint.h>

#include "base/error.h"

struct catalogcli_space {
	uint64_t free;	    /* on the file system, or as it was said */
	uint64_t used;	    /* by what is in the models directory; only with a quota */
	uint64_t quota;	    /* 0: none */
	uint64_t available; /* the least of free and what the quota leaves */
};

/* disk: the free space as the user says, UINT64_MAX: as it is. quota 0: none. A models directory that
 * is not there has the space of the directory that it would be made in. root is -1 then. */
enum bake_status catalogcli_measure_space(const char *models_dir, int root, uint64_t disk,
	uint64_t quota, struct catalogcli_space *out, struct bake_error *err) BAKE_CHECKED;

#endif
