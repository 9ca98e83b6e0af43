/* SPDX-License-Identifier: Apache-2.0 */
#include "convertcli/shape.h"

#include <inttypes.h>
#include <stdio.h>

const char *convertcli_shape(uint32_t rank, const uint64_t *shape, char text[CONVERTCLI_SHAPE_TEXT])
{
	size_t len = (size_t)snprintf(text, CONVERTCLI_SHAPE_TEXT, "[");

	/* A number takes at most 20 digits. */
	for (uint32_t i = 0; i < rank; i++) {
		if (CONVERTCLI_SHAPE_TEXT - len < 32) {
			len += (size_t)snprintf(text + len, CONVERTCLI_SHAPE_TEXT - len, ", ...");
			break;
		}
		len += (size_t)snprintf(text + len, CONVERTCLI_SHAPE_TEXT - len, "%s%" PRIu64,
			i ? ", " : "", shape[i]);
	}
	(void)snprintf(text + len, CONVERTCLI_SHAPE_TEXT - len, "]");
	return text;
}

void convertcli_put_shape(struct bake_json_writer *writer, uint32_t rank, const uint64_t *shape)
{
	bake_json_key(writer, "shape");
	bake_json_array_line(writer);
	for (uint32_t i = 0; i < rank; i++)
		bake_json_write_u64(writer, shape[i]);
	bake_json_end_array(writer);
}
