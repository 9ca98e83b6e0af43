/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"

#include <assert.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	GOOD_PART = BAKE_HUGE_PAGE / 4
};

/* A variable, as nothing unsigned is compared with a constant of 0. */
static const size_t kept_max = BAKE_PAGES_KEPT_MAX;

static struct {
	pthread_mutex_t lock;
	/* Under lock: */
	unsigned keepers;
	void *pages[BAKE_PAGES_KEPT_MAX + 1]; /* one each */
	size_t count;
} kept = {.lock = PTHREAD_MUTEX_INITIALIZER};

static void *take_kept(void)
{
	void *pages = NULL;

	(void)pthread_mutex_lock(&kept.lock);
	if (kept.count)
		pages = kept.pages[--kept.count];
	(void)pthread_mutex_unlock(&kept.lock);
	return pages;
}

static bool put_kept(void *pages)
{
	bool put;

	(void)pthread_mutex_lock(&kept.lock);
	put = kept.keepers && kept.count < kept_max;
	if (put)
		kept.pages[kept.count++] = pages;
	(void)pthread_mutex_unlock(&kept.lock);
	return put;
}

void *bake_pages_alloc(size_t *bytes)
{
	size_t whole;
	void *pages;

	if (*bytes < GOOD_PART || *bytes > SIZE_MAX - BAKE_HUGE_PAGE)
		return malloc(*bytes);
	whole = (*bytes + BAKE_HUGE_PAGE - 1) / BAKE_HUGE_PAGE * BAKE_HUGE_PAGE;
	pages = whole == BAKE_HUGE_PAGE ? take_kept() : NULL;
	if (!pages) {
		pages = aligned_alloc(BAKE_HUGE_PAGE, whole);
		if (!pages)
			return NULL;
		/* Where there are no such pages, nothing is lost. */
		(void)madvise(pages, whole, MADV_HUGEPAGE);
	}
	*bytes = whole;
	return pages;
}

void bake_pages_free(void *pages, size_t bytes)
{
	const bool whole = bytes == BAKE_HUGE_PAGE && (uintptr_t)pages % BAKE_HUGE_PAGE == 0;

	if (!pages || !whole || !put_kept(pages))
		free(pages);
}

void bake_pages_keep(void)
{
	(void)pthread_mutex_lock(&kept.lock);
	kept.keepers++;
	(void)pthread_mutex_unlock(&kept.lock);
}

void bake_pages_keep_no_more(void)
{
	(void)pthread_mutex_lock(&kept.lock);
	assert(kept.keepers);
	kept.keepers--;
	while (!kept.keepers && kept.count)
		free(kept.pages[--kept.count]);
	(void)pthread_mutex_unlock(&kept.lock);
}
