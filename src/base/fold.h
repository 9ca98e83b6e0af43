/* SPDX-License-Identifier: Apache-2.0 */
/* Text as a file system sees it that knows neither case nor how an accent is encoded. */
#ifndef BASE_FOLD_H
#define BASE_FOLD_H

#include <stdint.h>

struct bake_fold {
	const char *at; /* what is not folded yet: valid UTF-8 */
	uint32_t pending;
};

#define BAKE_FOLD_INIT(text)                                                                       \
	{                                                                                          \
		.at = (text), .pending = 0                                                         \
	}

/* Of an ASCII character. */
static inline char bake_fold_ascii(char c)
{
	return (char)(c >= 'A' && c <= 'Z' ? c + ('a' - 'A') : c);
}

/*
 * The next code point, 0 at the end: in lower case, and a letter with an accent as the letter and
 * then the accent. Latin, Greek and Cyrillic; what else there is stands for itself.
 */
uint32_t bake_fold_next(struct bake_fold *fold);

#endif
