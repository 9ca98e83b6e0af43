/* SPDX-License-Identifier: Apache-2.0 */
/* Bits of float32 without the sign, at which things change. As integers they order as the floats. */
#ifndef QUANT_LIMITS_H
#define QUANT_LIMITS_H

#define F16_OVERFLOW  0x477ff000 /* 65520: becomes infinite as a float16 */
#define BF16_OVERFLOW 0x7f7f8000 /* the same as a bfloat16 */
#define INFINITE      0x7f800000 /* and NaNs above */
#define TINY	      0x0d800000 /* 2^-100: far above where a reciprocal overflows */

#define BELOW_HALF 0x1.fffffep-2F

enum {
	GROUP = 8, /* blocks that the vector kernels do at a time */
};

#endif
