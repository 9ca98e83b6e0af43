/* SPDX-License-Identifier: Apache-2.0 */
/*
 * quant MIB RUNS: how fast so many MiB of float32 become each type, and come back, in one thread.
 * A line for each: the name, then the best milliseconds of encoding (0: the type is only read), of the
 * reference (0: there is none), of decoding, and of memcpy of the float32. Of processor time, since
 * nothing is waited for. All take turns, so that a busy machine is busy for all of them. The
 * bytes of the reference have to be ours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "bench/quantref.h"
#include "quant/quant.h"
#include "tensor/ggml_type.h"

enum {
	MIB = 1024 * 1024,
	MIB_MAX = 4096,
	RUNS_MAX = 1000,
};

struct place {
	float *values;
	float *back;
	uint8_t *ours;
	uint8_t *theirs;
	size_t count;
};

struct times {
	double encode, reference, decode, copy;
};

static double now_ms(void)
{
	struct timespec now = {0};

	(void)clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
	return (double)now.tv_sec * 1e3 + (double)now.tv_nsec / 1e6;
}

static void better(double *best, double begin)
{
	double took = now_ms() - begin;

	if (*best <= 0 || took < *best)
		*best = took;
}

/* Sums of four uniform numbers are normal enough. */
static void fill(float *values, size_t count)
{
	uint64_t state = 88172645463325252U;

	for (size_t i = 0; i < count; i++) {
		state ^= state << 13;
		state ^= state >> 7;
		state ^= state << 17;
		values[i] = 0.02F / 18918 *
			    ((float)(state & 0xffff) + (float)(state >> 16 & 0xffff) +
				    (float)(state >> 32 & 0xffff) + (float)(state >> 48) - 131070);
	}
}

/* What memory allows: libc copying the float32 side. */
static void copy(const struct place *place, double *best)
{
	double begin = now_ms();

	memcpy(place->back, place->values, place->count * sizeof(float));
	better(best, begin);
}

static bool run(const struct bake_ggml_type *type, const struct place *place, struct times *times)
{
	size_t packed = place->count / type->block * type->block_bytes;
	bool has_reference = reference_block(type->id) != 0;
	bool writes = bake_quant_can_encode(type->id);
	struct bake_quant_fault fault;
	double begin = now_ms();

	if (writes && !bake_quant_encode(
			      type->id, place->values, place->count, place->ours, false, &fault))
		return false;
	better(&times->encode, begin);
	if (has_reference) {
		begin = now_ms();
		reference_encode(type->id, place->values, place->count, place->theirs);
		better(&times->reference, begin);
		if (memcmp(place->ours, place->theirs, packed) != 0)
			return false;
	}
	begin = now_ms();
	if (!bake_quant_decode(type->id, place->ours, place->count, place->back))
		return false;
	better(&times->decode, begin);
	copy(place, &times->copy);
	return true;
}

static float *values_of(size_t bytes)
{
	float *values = aligned_alloc(64, bytes);

	if (!values)
		exit(1);
	memset(values, 1, bytes);
	return values;
}

int main(int argc, char **argv)
{
	uint64_t mib = 0;
	uint64_t runs = 0;
	struct place place = {0};

	if (argc != 3 || !bake_number_parse(argv[1], strlen(argv[1]), &mib) || !mib ||
		mib > MIB_MAX || !bake_number_parse(argv[2], strlen(argv[2]), &runs) || !runs ||
		runs > RUNS_MAX) {
		(void)fprintf(stderr, "quant MIB RUNS\n");
		return 64;
	}
	place.count = mib * MIB / sizeof(float);
	place.values = values_of(mib * MIB);
	place.back = values_of(mib * MIB);
	/* No type takes more than float32, but blocks of Q8_K a little more. */
	place.ours = (uint8_t *)values_of(2 * mib * MIB);
	place.theirs = (uint8_t *)values_of(mib * MIB);
	fill(place.values, place.count);
	(void)printf("# %s\n", bake_quant_isa_name(bake_quant_used()));
	for (uint32_t id = 0; bake_ggml_type_find(id); id++) {
		struct times times = {0};

		if (!bake_quant_can_decode(id) || id == BAKE_QUANT_F64)
			continue;
		for (uint64_t i = 0; i < runs; i++) {
			if (!run(bake_ggml_type_find(id), &place, &times)) {
				(void)fprintf(stderr, "quant: type %u: other bytes\n", id);
				return 1;
			}
		}
		(void)printf("%s %.3f %.3f %.3f %.3f\n", bake_ggml_type_find(id)->name,
			bake_quant_can_encode(id) ? times.encode : 0, times.reference, times.decode,
			times.copy);
	}
	free(place.values);
	free(place.back);
	free(place.ours);
	free(place.theirs);
	return 0;
}
