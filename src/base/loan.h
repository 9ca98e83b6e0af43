/* SPDX-License-Identifier: Apache-2.0 */
/* Bytes in somebody's buffer that another thread reads for a while. */
#ifndef BASE_LOAN_H
#define BASE_LOAN_H

#include <stddef.h>
#include <stdint.h>

/* The lender's storage. Whoever keeps one gives it back once, from any thread. */
struct bake_loan {
	const uint8_t *ptr;
	size_t len;
	uint64_t offset; /* in the file */
	void (*give_back)(struct bake_loan *loan);
	struct bake_loan *next; /* the borrower's */
};

#endif
