/* SPDX-License-Identifier: Apache-2.0 */
/* The sixteen values of the IQ4 types, which lie closer together near zero. */
#ifndef QUANT_IQ4_H
#define QUANT_IQ4_H

#include <stdint.h>

#define IQ4_VALUES                                                                                 \
	{                                                                                          \
		-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113           \
	}

#endif
