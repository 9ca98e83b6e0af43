/* SPDX-License-Identifier: Apache-2.0 */
/* What the parts of bake-index estimate tell each other. */
#ifndef INDEXCLI_ESTIMATE_H
#define INDEXCLI_ESTIMATE_H

#include <stdbool.h>
#include <stdint.h>

#include "arch/calculator.h"
#include "arch/gpu.h"
#include "arch/memory.h"
#include "base/error.h"

enum indexcli_solve {
	INDEXCLI_SOLVE_NOTHING,
	INDEXCLI_SOLVE_CONTEXT,
	INDEXCLI_SOLVE_SEQUENCES
};

/* The answer, as it is printed. */
struct indexcli_estimate {
	const char *model; /* as it was asked for */
	const struct bake_arch *arch;
	struct bake_memory memory;
	enum indexcli_solve solve;
	struct bake_memory_solution solution;
	bool has_gpu; /* --gpu-arch, of a model that only some run */
	struct bake_gpu_answer gpu;
};

/* err is how it ended: with --json the report begins with that. */
void indexcli_estimate_print(
	const struct indexcli_estimate *estimate, bool json, const struct bake_error *err);

/* The facts that figures rest on, with their sources: {"num_layers": {"value", "source"}, ...}. */
void indexcli_estimate_write_facts(const struct bake_arch *arch, struct bake_json_writer *writer);

/* "12.05 GiB", below one "391.5 MiB". Returns text. */
enum {
	INDEXCLI_GIB_TEXT = 32
};
const char *indexcli_gib(uint64_t bytes, char text[INDEXCLI_GIB_TEXT]);
#define INDEXCLI_GIB(bytes) indexcli_gib((bytes), (char[INDEXCLI_GIB_TEXT]){0})

/* What --profile is asked for. Texts are as given; NULL and 0: not given. */
struct indexcli_calculation {
	const char *model;
	const struct bake_arch *arch; /* with what options say over it */
	const struct bake_weights *weights;
	const char *profile;
	const char *params_billion;
	const char *weight_precision;
	const char *overhead_gib;
	const char *vision_gib;
	const char *frag_factor;
	const char *kv_dtype;
	uint64_t context;
	uint64_t sequences;
	uint64_t gpu_memory;
	bool solve;
	bool json;
};

enum bake_status indexcli_calculate(
	const struct indexcli_calculation *asked, struct bake_error *err) BAKE_CHECKED;

/* A decimal number without a sign: "7.6". False for anything else. */
bool indexcli_decimal(const char *text, double *out);

#endif
