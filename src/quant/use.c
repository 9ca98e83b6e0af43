/* SPDX-License-Identifier: Apache-2.0 */
/* Which kernels compute: the best that run here, chosen once. */
#include <stdatomic.h>
#include <stdlib.h>
#include <strings.h>

#include "base/cleanup.h"
#include "quant/kernels.h"

#ifdef __x86_64__
#include <cpuid.h>

/* Not every compiler knows it by name. Its registers are AVX's. */
static bool has_f16c(void)
{
	unsigned a;
	unsigned b;
	unsigned c;
	unsigned d;

	return __get_cpuid(1, &a, &b, &c, &d) && c & bit_F16C;
}
#endif

static const char *const names[BAKE_QUANT_ISAS] = {
	[BAKE_QUANT_SCALAR] = "scalar",
	[BAKE_QUANT_AVX2] = "avx2",
	[BAKE_QUANT_AVX512] = "avx512",
	[BAKE_QUANT_NEON] = "neon",
};

/* The chosen one and 1; 0 before it is chosen. Threads that choose at once choose the same. */
static atomic_int chosen;

const char *bake_quant_isa_name(enum bake_quant_isa isa)
{
	return names[isa];
}

static const struct bake_quant_kernels *kernels_of(enum bake_quant_isa isa)
{
	switch (isa) {
	case BAKE_QUANT_AVX2:
		return bake_quant_avx2;
	case BAKE_QUANT_AVX512:
		return bake_quant_avx512;
	case BAKE_QUANT_NEON:
		return bake_quant_neon;
	case BAKE_QUANT_SCALAR:
	case BAKE_QUANT_ISAS:
		break;
	}
	return &bake_quant_scalar;
}

/* The compiler's table also asks whether the operating system keeps the registers. */
static bool machine_has(enum bake_quant_isa isa)
{
#ifdef __x86_64__
	bool avx2 = __builtin_cpu_supports("avx2") && has_f16c();

	if (isa == BAKE_QUANT_AVX2)
		return avx2;
	if (isa == BAKE_QUANT_AVX512)
		return avx2 && __builtin_cpu_supports("avx512f") &&
		       __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512vl");
#endif
	return isa == BAKE_QUANT_SCALAR || isa == BAKE_QUANT_NEON;
}

bool bake_quant_isa_runs(enum bake_quant_isa isa)
{
	return isa < BAKE_QUANT_ISAS && kernels_of(isa) && machine_has(isa);
}

bool bake_quant_use(enum bake_quant_isa isa)
{
	if (!bake_quant_isa_runs(isa))
		return false;
	atomic_store_explicit(&chosen, (int)isa + 1, memory_order_relaxed);
	return true;
}

static enum bake_quant_isa choose(void)
{
	const char *wanted = getenv("BAKE_SIMD");
	enum bake_quant_isa best = BAKE_QUANT_SCALAR;

	for (unsigned isa = 0; isa < BAKE_QUANT_ISAS; isa++) {
		if (!bake_quant_isa_runs(isa))
			continue;
		best = isa;
		if (wanted && strcasecmp(wanted, names[isa]) == 0)
			break;
	}
	return best;
}

enum bake_quant_isa bake_quant_used(void)
{
	int now = atomic_load_explicit(&chosen, memory_order_relaxed);

	if (now == 0) {
		now = (int)choose() + 1;
		atomic_store_explicit(&chosen, now, memory_order_relaxed);
	}
	return (enum bake_quant_isa)(now - 1);
}

bake_quant_encoder *bake_quant_find_encoder(uint32_t type)
{
	enum bake_quant_isa isa = bake_quant_used();
	bake_quant_encoder *found = kernels_of(isa)->encode[type];

	if (!found && isa == BAKE_QUANT_AVX512)
		found = bake_quant_avx2->encode[type];
	return found ? found : bake_quant_scalar.encode[type];
}

bake_quant_decoder *bake_quant_find_decoder(uint32_t type)
{
	enum bake_quant_isa isa = bake_quant_used();
	bake_quant_decoder *found = kernels_of(isa)->decode[type];

	if (!found && isa == BAKE_QUANT_AVX512)
		found = bake_quant_avx2->decode[type];
	return found ? found : bake_quant_scalar.decode[type];
}
