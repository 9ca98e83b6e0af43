/* SPDX-License-Identifier: Apache-2.0 */
/* What a model is, from its headers alone. */
#ifndef CONVERT_INFO_H
#define CONVERT_INFO_H

#include "convert/model.h"

enum {
	BAKE_CONVERT_TYPES_MAX = 64
};

struct bake_convert_type_sum {
	struct bake_convert_type type;
	size_t tensors;
	uint64_t elements;
	uint64_t bytes;
};

struct bake_convert_info {
	uint64_t parameters; /* elements of all tensors but the scales of others */
	struct bake_convert_type_sum types[BAKE_CONVERT_TYPES_MAX]; /* most bytes first */
	size_t type_count;
	char architecture[64]; /* "" when it is not known */
	char quantization[96]; /* likewise: "Q4_K_M", "GPTQ", "F8_E4M3" */
};

void bake_convert_describe(const struct bake_convert_model *model, struct bake_convert_info *out);

#endif
