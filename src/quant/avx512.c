/* SPDX-License-Identifier: Apache-2.0 */
#include "quant/kernels.h"

const struct bake_quant_kernels *const bake_quant_avx512;
