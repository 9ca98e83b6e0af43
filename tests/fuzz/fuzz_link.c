/* SPDX-License-Identifier: Apache-2.0 */
/* The Link field: a target stands between angle brackets in what was sent, and how much room there
 * is for it decides only whether it fits. */
#include "fuzz/fuzz.h"
#include "net/response.h"

enum {
	SMALL = 16
};

static bool stands_in(const char *text, size_t len, const char *target, size_t target_len)
{
	for (size_t at = 0; at + target_len + 2 <= len; at++) {
		if (text[at] == '<' && memcmp(text + at + 1, target, target_len) == 0 &&
			text[at + 1 + target_len] == '>')
			return true;
	}
	return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	_cleanup_free_ char *text = malloc(size ? size : 1);
	_cleanup_free_ char *target = malloc(size + 1);
	char small[SMALL] = "before";
	size_t len;

	CLAIM(text && target);
	if (size)
		memcpy(text, data, size);
	if (bake_link_next_parse(text, size, small, sizeof(small)))
		CLAIM(memchr(small, 0, sizeof(small)));
	else
		CLAIM(strcmp(small, "before") == 0);
	if (!bake_link_next_parse(text, size, target, size + 1)) {
		CLAIM(strcmp(small, "before") == 0);
		return 0;
	}
	len = strlen(target);
	/* A NUL in a target ends it early: what is behind it is not looked for. */
	CLAIM(memchr(text, 0, size) || stands_in(text, size, target, len));
	CLAIM(len >= SMALL || strlen(small) < SMALL);
	return 0;
}
