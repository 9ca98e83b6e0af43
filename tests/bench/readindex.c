/* SPDX-License-Identifier: Apache-2.0 */
/* readindex FILE RUNS: reads an index as a server does when it starts, over and over. Prints the best
 * and the median time of a run in milliseconds: of processor time, since nothing is waited for. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "index/index.h"
#include "ops/document.h"

enum {
	RUNS_MAX = 10000
};

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a;
	uint64_t y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t now_us(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static enum bake_status run(const char *path, uint64_t *out_us, struct bake_error *err)
{
	_cleanup_(bake_index_free) struct bake_index *index = NULL;
	uint64_t begin = now_us();

	BAKE_TRY(bake_load_index(path, &index, err));
	*out_us = now_us() - begin;
	return BAKE_OK;
}

int main(int argc, char **argv)
{
	static uint64_t times[RUNS_MAX];
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t runs = 0;

	if (argc != 3 || !bake_number_parse(argv[2], strlen(argv[2]), &runs) || !runs ||
		runs > RUNS_MAX) {
		(void)fprintf(stderr, "readindex FILE RUNS\n");
		return 64;
	}
	for (uint64_t i = 0; i < runs; i++) {
		if (run(argv[1], &times[i], &err) != BAKE_OK) {
			(void)fprintf(stderr, "readindex: %s\n", err.message);
			return 1;
		}
	}
	qsort(times, runs, sizeof(times[0]), compare);
	(void)printf("%.3f %.3f\n", (double)times[0] / 1000, (double)times[runs / 2] / 1000);
	return 0;
}
