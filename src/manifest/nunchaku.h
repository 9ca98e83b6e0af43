/* SPDX-License-Identifier: Apache-2.0 */
/* What a Nunchaku file's name says of it. */
#ifndef MANIFEST_NUNCHAKU_H
#define MANIFEST_NUNCHAKU_H

#include <stdbool.h>

#include "manifest/manifest.h"

enum {
	BAKE_NUNCHAKU_PRECISION_MAX = 16
};

struct bake_nunchaku_name {
	char precision[BAKE_NUNCHAKU_PRECISION_MAX];
	uint32_t rank;
	uint32_t steps; /* 0: not distilled to a number of steps */
};

/* "svdq-int4_r128-qwen-image-edit-lightningv1.0-8steps.safetensors" is int4, rank 128, 8 steps.
 * name may have directories in front. False when it is not of this form. */
bool bake_nunchaku_parse(const char *name, struct bake_nunchaku_name *out);

#endif
