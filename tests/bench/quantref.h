/* SPDX-License-Identifier: Apache-2.0 */
/* Blocks of 32 written as plainly as their definition reads: what src/quant is measured against. */
#ifndef BENCH_QUANTREF_H
#define BENCH_QUANTREF_H

#include <stddef.h>
#include <stdint.h>

/* Bytes of a block of the type; 0 when it is not here. */
size_t reference_block(uint32_t type);

/* Writes count values, whole blocks, all finite. */
void reference_encode(uint32_t type, const float *from, size_t count, uint8_t *to);

#endif
