/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for megabytes: in pages of the larger kind where there are some, so that it is not waited
 * for 4 KiB at a time. Where a page fault costs microseconds, as in a virtual machine, that wait is
 * longer than what is done with the memory. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

enum {
	BAKE_HUGE_PAGE = 2 * 1024 * 1024
};

/* *bytes, rounded up to what is worth having when they are a good part of a large page, as malloc
 * gives them: not zeroed, for free and realloc; NULL when there is no memory. */
void *bake_pages_alloc(size_t *bytes);

#endif
