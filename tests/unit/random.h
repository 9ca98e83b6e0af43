/* SPDX-License-Identifier: Apache-2.0 */
/* Numbers that look random and are the same in each run. */
#ifndef UNIT_RANDOM_H
#define UNIT_RANDOM_H

#include <stdint.h>

/* Where the row begins: not 0. */
static uint64_t random_state;

/* xorshift64*. */
static inline uint64_t random_below(uint64_t limit)
{
	random_state ^= random_state >> 12;
	random_state ^= random_state << 25;
	random_state ^= random_state >> 27;
	return (random_state * 2685821657736338717U >> 11) % limit;
}

#endif
