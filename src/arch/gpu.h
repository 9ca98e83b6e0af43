/* SPDX-License-Identifier: Apache-2.0 */
/* NVIDIA's GPUs by compute capability, and which of Nunchaku's files run on which. */
#ifndef ARCH_GPU_H
#define ARCH_GPU_H

#include <stdbool.h>
#include <stdint.h>

struct bake_gpu {
	uint32_t major; /* sm_89: 8 */
	uint32_t minor; /* sm_89: 9; one digit */
};

/*
 * "sm_89", "compute_89", "8.9", "89"; letters in any case, and the suffix of a variant ("sm_90a")
 * is ignored. False for everything else, a product's name too: nvidia-smi
 * --query-gpu=compute_cap says what a card is.
 */
bool bake_gpu_parse(const char *text, struct bake_gpu *out);

enum bake_gpu_verdict {
	BAKE_GPU_RUNS,
	BAKE_GPU_OTHER_PRECISION, /* the GPU runs Nunchaku, but another precision */
	BAKE_GPU_UNSUPPORTED,	  /* no file of Nunchaku runs there */
	BAKE_GPU_UNKNOWN	  /* the file's precision is not known */
};

struct bake_gpu_answer {
	enum bake_gpu_verdict verdict;
	const char *precision; /* what the GPU needs: "int4", "fp4"; NULL when unsupported */
	char reason[120];      /* a sentence in printable ASCII */
};

/* Nunchaku's check_hardware_compatibility. precision is the file's, NULL when it is not known. */
void bake_gpu_judge_nunchaku(
	struct bake_gpu gpu, const char *precision, struct bake_gpu_answer *out);

#endif
