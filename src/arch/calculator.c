/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/calculator.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

#define GIB	      ((double)((uint64_t)1 << 30))
#define CONTEXT_K_MAX 256.0
#define CONTEXT_K_END 0.01

static const struct bake_calculator_profile profiles[] = {
	{"default", 1.5, 0.0, 1.10},
	{"ada_16gb", 1.6, 0.5, 1.12},
	{"hopper_80gb", 2.0, 1.0, 1.08},
	{"studio_dual", 2.5, 1.0, 1.15},
};

struct bytes_of {
	const char *name;
	double bytes;
};

static const struct bytes_of parameter_bytes[] = {
	{"fp16", 2},
	{"bf16", 2},
	{"fp8", 1},
	{"mxfp8", 1},
	{"int8", 1},
	{"int4", 0.55}, /* with the scales */
	{"fp4", 0.5},
	{"mxfp4", 0.5},
};

static const struct bytes_of kv_bytes[] = {
	{"fp16", 2},
	{"bf16", 2},
	{"fp8", 1},
};

/* Our names for what the calculator calls otherwise. */
static const struct {
	const char *ours;
	const char *theirs;
} spellings[] = {
	{"f16", "fp16"},
	{"f8", "fp8"},
	{"f8_e4m3", "fp8"},
	{"f8_e5m2", "fp8"},
	{"float16", "fp16"},
	{"bfloat16", "bf16"},
};

const struct bake_calculator_profile *bake_calculator_profiles(size_t *out_count)
{
	*out_count = countof(profiles);
	return profiles;
}

const struct bake_calculator_profile *bake_calculator_profile(const char *name)
{
	for (size_t i = 0; i < countof(profiles); i++) {
		if (strcmp(name, profiles[i].name) == 0)
			return &profiles[i];
	}
	return NULL;
}

static double look_up(const struct bytes_of *table, size_t count, const char *name,
	double otherwise, bool *out_known)
{
	for (size_t i = 0; i < countof(spellings); i++) {
		if (strcasecmp(name, spellings[i].ours) == 0)
			name = spellings[i].theirs;
	}
	for (size_t i = 0; i < count; i++) {
		if (strcasecmp(name, table[i].name) != 0)
			continue;
		if (out_known)
			*out_known = true;
		return table[i].bytes;
	}
	if (out_known)
		*out_known = false;
	return otherwise;
}

double bake_calculator_parameter_bytes(const char *precision, bool *out_known)
{
	return look_up(parameter_bytes, countof(parameter_bytes), precision, 1, out_known);
}

double bake_calculator_kv_bytes(const char *precision, bool *out_known)
{
	return look_up(kv_bytes, countof(kv_bytes), precision, 2, out_known);
}

struct bake_calculator_estimate bake_calculator_estimate(const struct bake_calculator_input *input)
{
	double tokens = input->context_k * 1024 * input->batch;
	struct bake_calculator_estimate estimate = {
		.weights_gib = input->weights_gib > 0
				       ? input->weights_gib
				       : input->params_billion * 1e9 * input->parameter_bytes / GIB,
		.kv_gib = 2 * input->layers * input->kv_heads * input->head_dim * input->kv_bytes *
			  tokens / GIB,
		.overhead_gib = input->profile.overhead_gib,
		.vision_gib = input->profile.vision_gib,
		.frag_factor = input->profile.frag_factor,
	};

	estimate.total_gib = (estimate.weights_gib + estimate.kv_gib + estimate.overhead_gib +
				     estimate.vision_gib) *
			     estimate.frag_factor;
	return estimate;
}

struct bake_calculator_context bake_calculator_solve(
	const struct bake_calculator_input *input, double gib)
{
	struct bake_calculator_input at = *input;
	struct bake_calculator_estimate estimate;
	double low = 0;
	double high = CONTEXT_K_MAX;

	while (high - low > CONTEXT_K_END) {
		at.context_k = (low + high) / 2;
		if (bake_calculator_estimate(&at).total_gib <= gib)
			low = at.context_k;
		else
			high = at.context_k;
	}
	at.context_k = low;
	estimate = bake_calculator_estimate(&at);
	return (struct bake_calculator_context){
		.context_k = low,
		.context_tokens = low * 1024,
		.kv_gib = estimate.kv_gib,
		.total_gib = estimate.total_gib,
	};
}
