/* SPDX-License-Identifier: Apache-2.0 */
#include "manifest/nunchaku.h"

#include <string.h>

#include "base/num.h"
#include "base/text.h"

/* Digits at text as a number of at most four places, with what must follow them. */
static bool small_number(const char *text, const char *follow, uint32_t *out)
{
	size_t len = strspn(text, "0123456789");
	uint64_t value;

	if (len > 4 || !bake_number_parse(text, len, &value) ||
		!bake_text_starts(text + len, follow))
		return false;
	*out = (uint32_t)value;
	return true;
}

/* The number in "...-8steps.safetensors", 0 when there is none. */
static uint32_t steps_of(const char *text)
{
	uint32_t steps = 0;

	for (const char *dash = strchr(text, '-'); dash; dash = strchr(dash + 1, '-'))
		(void)small_number(dash + 1, "steps", &steps);
	return steps;
}

bool bake_nunchaku_parse(const char *name, struct bake_nunchaku_name *out)
{
	const char *slash = strrchr(name, '/');
	const char *at = slash ? slash + 1 : name;
	struct bake_nunchaku_name parsed = {{0}, 0, 0};
	size_t len;

	if (!bake_text_starts(at, "svdq-") || !bake_text_ends(at, ".safetensors"))
		return false;
	at += 5;
	len = strcspn(at, "_-.");
	if (len == 0 || len >= sizeof(parsed.precision) || !bake_text_starts(at + len, "_r"))
		return false;
	memcpy(parsed.precision, at, len);
	if (!small_number(at + len + 2, "-", &parsed.rank))
		return false;
	parsed.steps = steps_of(at + len + 2);
	*out = parsed;
	return true;
}
