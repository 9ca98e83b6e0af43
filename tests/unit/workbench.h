/* SPDX-License-Identifier: Apache-2.0 */
/* A directory with its .bake, for tests that USE fs. */
#ifndef UNIT_WORKBENCH_H
#define UNIT_WORKBENCH_H

#include "unit/rows.h"

#include <unistd.h>

#include "fs/workdir.h"
#include "unit/scratch.h"

struct bench {
	int root;
	struct bake_workdir workdir;
	struct bake_error err;
};

static inline void bench_open(struct bench *bench)
{
	char where[SCRATCH_PATH];

	*bench = (struct bench){.root = scratch_open(where), .workdir = BAKE_WORKDIR_INIT};
	check_status(bake_workdir_open(bench->root, 0, NULL, &bench->workdir, &bench->err),
		&bench->err, BAKE_OK, NULL);
}

static inline void bench_close(struct bench *bench)
{
	bake_workdir_close(&bench->workdir);
	(void)close(bench->root);
}

#define BENCH                                                                                      \
	_cleanup_(bench_close) struct bench bench;                                                 \
	bench_open(&bench)

#endif
