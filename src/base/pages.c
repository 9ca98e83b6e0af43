/* SPDX-License-Identifier: Apache-2.0 */
#include "base/pages.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum {
	GOOD_PART = BAKE_HUGE_PAGE / 4
};

void *bake_pages_alloc(size_t *bytes)
{
	size_t whole;
	void *pages;

	if (*bytes < GOOD_PART || *bytes > SIZE_MAX - BAKE_HUGE_PAGE)
		return malloc(*bytes);
	whole = (*bytes + BAKE_HUGE_PAGE - 1) / BAKE_HUGE_PAGE * BAKE_HUGE_PAGE;
	pages = aligned_alloc(BAKE_HUGE_PAGE, whole);
	if (!pages)
		return NULL;
	/* Where there are no such pages, nothing is lost. */
	(void)madvise(pages, whole, MADV_HUGEPAGE);
	*bytes = whole;
	return pages;
}
