/* SPDX-License-Identifier: Apache-2.0 */
/* The instructions of pickle (Python's pickletools), walked without being obeyed. */
#ifndef FORMAT_PICKLE_CODE_H
#define FORMAT_PICKLE_CODE_H

#include <stdbool.h>
#include <stdint.h>

#include "base/span.h"

/* How a walk over the beginning of a file ended. */
struct bake_pickle_walk {
	bool valid;   /* every instruction seen could be one */
	bool stopped; /* the last one was STOP; else the bytes ended first */
	bool imports; /* one names something to import or to look up */
	unsigned count;
};

/* size: of the whole file, which no argument can be longer than. */
struct bake_pickle_walk bake_pickle_walk(struct bake_span head, uint64_t size);

#endif
