/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The calculator of imageworks' VRAM estimator, figure for figure: parameters times bytes, keys and
 * values of every layer, overhead and vision by profile, and a factor for fragmentation on all of
 * it. Its users' settings are made with it, so it is kept as it is beside our own estimates.
 */
#ifndef ARCH_CALCULATOR_H
#define ARCH_CALCULATOR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bake_calculator_profile {
	const char *name;
	double overhead_gib;
	double vision_gib;
	double frag_factor;
};

/* The profiles, the default first. */
const struct bake_calculator_profile *bake_calculator_profiles(size_t *out_count);
const struct bake_calculator_profile *bake_calculator_profile(const char *name);

/* Bytes of a parameter and of an element of the cache, by the precision's name in any case: 1 and 2
 * for names that the calculator does not know. *out_known, when not NULL, says which. */
double bake_calculator_parameter_bytes(const char *precision, bool *out_known);
double bake_calculator_kv_bytes(const char *precision, bool *out_known);

struct bake_calculator_input {
	double weights_gib; /* when it is not 0, instead of the next two */
	double params_billion;
	double parameter_bytes;
	double layers;
	double kv_heads;
	double head_dim;
	double kv_bytes;
	double context_k; /* of 1024 tokens */
	double batch;	  /* sequences */
	struct bake_calculator_profile profile;
};

struct bake_calculator_estimate {
	double weights_gib;
	double kv_gib;
	double overhead_gib;
	double vision_gib;
	double frag_factor;
	double total_gib;
};

struct bake_calculator_estimate bake_calculator_estimate(const struct bake_calculator_input *input);

struct bake_calculator_context {
	double context_k;
	double context_tokens;
	double kv_gib;
	double total_gib;
};

/* The largest context in that many GiB, to 0.01 k and up to 256 k, by halving as the calculator
 * does. input's context_k does not count. */
struct bake_calculator_context bake_calculator_solve(
	const struct bake_calculator_input *input, double gib);

#endif
