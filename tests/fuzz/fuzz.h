/* SPDX-License-Identifier: Apache-2.0 */
/* What the fuzz targets share: the entry point, claims that must hold for any input, and a place
 * for results so that the optimiser keeps the work. */
#ifndef FUZZ_FUZZ_H
#define FUZZ_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/error.h"

/* One input. Given by libFuzzer, or by driver.c for each file of the corpus. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A claim about the code under test: false is a bug, whatever the input. */
#define CLAIM(condition)                                                                           \
	do {                                                                                       \
		if (!(condition)) {                                                                \
			(void)fprintf(                                                             \
				stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);    \
			abort();                                                                   \
		}                                                                                  \
	} while (0)

static volatile uint64_t fuzz_kept;

/* Makes a result matter. */
static inline void keep(uint64_t result)
{
	fuzz_kept = fuzz_kept + result;
}

static inline void keep_text(const char *text)
{
	keep(text ? strlen(text) : 0);
}

/* The input as text that ends where it ends, so that reading on is seen. To be freed. */
static inline char *text_of(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	CLAIM(text);
	if (size)
		memcpy(text, data, size);
	text[size] = '\0';
	return text;
}

/* A failure has its story: status, id, and one line of printable ASCII. True when it is none. */
static inline bool succeeded(enum bake_status status, struct bake_error *err)
{
	CLAIM(status == err->status);
	if (status == BAKE_OK)
		return true;
	CLAIM(err->id && err->message[0]);
	for (const char *at = err->message; *at; at++)
		CLAIM(*at >= 0x20 && *at < 0x7f);
	keep_text(err->message);
	*err = BAKE_ERROR_INIT;
	return false;
}

#endif
