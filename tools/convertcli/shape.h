/* SPDX-License-Identifier: Apache-2.0 */
/* The shape of a tensor, for people and for programs. */
#ifndef CONVERTCLI_SHAPE_H
#define CONVERTCLI_SHAPE_H

#include <stdint.h>

#include "json/writer.h"

#define CONVERTCLI_TEXT_MAX ((size_t)1 << 28) /* of a JSON document */

enum {
	CONVERTCLI_SHAPE_TEXT = 120
};

/* "[3072, 64]". Returns text. */
const char *convertcli_shape(
	uint32_t rank, const uint64_t *shape, char text[CONVERTCLI_SHAPE_TEXT]);
#define CONVERTCLI_SHAPE(rank, shape)                                                              \
	convertcli_shape((rank), (shape), (char[CONVERTCLI_SHAPE_TEXT]){0})

void convertcli_put_shape(struct bake_json_writer *writer, uint32_t rank, const uint64_t *shape);

#endif
