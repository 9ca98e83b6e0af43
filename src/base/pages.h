/* SPDX-License-Identifier: Apache-2.0 */
/* Memory for megabytes: in pages of the larger kind where there are some, so that it is not waited
 * for 4 KiB at a time. Where a page fault costs microseconds, as in a virtual machine, that wait is
 * longer than what is done with the memory. */
#ifndef BASE_PAGES_H
#define BASE_PAGES_H

#include <stddef.h>

/* Where AddressSanitizer looks on, no page is kept: it would not see one that is used after it was
 * freed. */
#if defined(__SANITIZE_ADDRESS__)
#define BAKE_PAGES_KEPT_MAX 0
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define BAKE_PAGES_KEPT_MAX 0
#endif
#endif
#ifndef BAKE_PAGES_KEPT_MAX
#define BAKE_PAGES_KEPT_MAX 16
#endif

enum {
	BAKE_HUGE_PAGE = 2 * 1024 * 1024
};

/* *bytes, rounded up to what is worth having when they are a good part of a large page, as malloc
 * gives them: not zeroed, for free and realloc; NULL when there is no memory. */
void *bake_pages_alloc(size_t *bytes);

/* Gives back what bake_pages_alloc gave, or what became of it. bytes: how many it has. NULL is
 * nothing. */
void bake_pages_free(void *pages, size_t bytes);

/* Between the two, up to BAKE_PAGES_KEPT_MAX pages of the larger kind that are freed are kept for
 * whoever asks next: such a page takes as long to be had as to be filled. May be nested; all threads
 * share what is kept. */
void bake_pages_keep(void);
void bake_pages_keep_no_more(void);

#endif
