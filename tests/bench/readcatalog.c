/* SPDX-License-Identifier: Apache-2.0 */
/* readcatalog DIR RUNS QUERY...: what a menu does with the manifests of DIR: opens the catalog, and
 * searches it for each query as it is typed. Prints the best and the median time of opening, preparing
 * a search, and the slowest query, in milliseconds: of processor time, all threads together. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "catalog/open.h"
#include "catalog/search.h"

enum {
	RUNS_MAX = 1000
};

enum step {
	OPEN,
	PREPARE,
	QUERY,
	STEPS
};

static uint64_t times[STEPS][RUNS_MAX];

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

static enum bake_status search(const struct bake_catalog *catalog, char **queries, size_t count,
	size_t run, struct bake_error *err)
{
	_cleanup_(bake_search_free) struct bake_search *prepared = NULL;
	_cleanup_free_ struct bake_search_hit *hits = NULL;
	uint64_t begin = now_us();

	BAKE_TRY(bake_search_new(catalog, &prepared, err));
	times[PREPARE][run] = now_us() - begin;
	hits = calloc(catalog->entry_count + 1, sizeof(*hits));
	if (!hits)
		return bake_error_nomem(err);
	for (size_t i = 0; i < count; i++) {
		size_t found;
		uint64_t took;

		begin = now_us();
		BAKE_TRY(bake_search_find(prepared, queries[i], hits, &found, err));
		took = now_us() - begin;
		if (took > times[QUERY][run])
			times[QUERY][run] = took;
	}
	return BAKE_OK;
}

static enum bake_status run_once(
	const char *directory, char **queries, size_t count, size_t run, struct bake_error *err)
{
	_cleanup_(bake_catalog_close) struct bake_catalog_opened opened = BAKE_CATALOG_OPENED_INIT;
	const struct bake_catalog_where where = {
		.manifests = &directory, .manifest_count = 1, .models_dir = directory};
	uint64_t begin = now_us();

	BAKE_TRY(bake_catalog_open(&where, &opened, err));
	times[OPEN][run] = now_us() - begin;
	return search(opened.catalog, queries, count, run, err);
}

int main(int argc, char **argv)
{
	struct bake_error err = BAKE_ERROR_INIT;
	uint64_t runs = 0;

	if (argc < 4 || !bake_number_parse(argv[2], strlen(argv[2]), &runs) || !runs ||
		runs > RUNS_MAX) {
		(void)fprintf(stderr, "readcatalog DIR RUNS QUERY...\n");
		return 64;
	}
	for (uint64_t i = 0; i < runs; i++) {
		if (run_once(argv[1], argv + 3, (size_t)argc - 3, i, &err) != BAKE_OK) {
			(void)fprintf(stderr, "readcatalog: %s\n", err.message);
			return 1;
		}
	}
	for (size_t step = 0; step < STEPS; step++) {
		qsort(times[step], runs, sizeof(times[step][0]), compare);
		(void)printf("%.3f %.3f\n", (double)times[step][0] / 1000,
			(double)times[step][runs / 2] / 1000);
	}
	return 0;
}
