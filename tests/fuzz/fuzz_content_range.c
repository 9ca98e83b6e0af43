/* SPDX-License-Identifier: Apache-2.0 */
/* Content-Range: what is read is a range within its total, and reads the same when written again. */
#include <inttypes.h>

#include "fuzz/fuzz.h"
#include "net/response.h"

static int write_range(char *out, size_t room, const struct bake_content_range *range)
{
	int len = snprintf(out, room, "bytes %" PRIu64 "-%" PRIu64 "/", range->first, range->last);

	if (range->has_total)
		return len + snprintf(out + len, room - (size_t)len, "%" PRIu64, range->total);
	return len + snprintf(out + len, room - (size_t)len, "*");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bake_content_range range = {.first = 42};
	struct bake_content_range again = {.first = 42};
	char text[128];
	int len;

	if (!bake_content_range_parse((const char *)data, size, &range)) {
		CLAIM(range.first == 42 && !range.present && !range.valid);
		return 0;
	}
	CLAIM(range.present && range.valid && range.first <= range.last);
	CLAIM(!range.has_total || range.last < range.total);
	len = write_range(text, sizeof(text), &range);
	CLAIM(bake_content_range_parse(text, (size_t)len, &again));
	CLAIM(again.first == range.first && again.last == range.last);
	CLAIM(again.has_total == range.has_total && again.total == range.total);
	return 0;
}
