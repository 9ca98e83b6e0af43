/* SPDX-License-Identifier: Apache-2.0 */
#include "catalog/family.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"

/* A word of an id, or its beginning when a digit follows: "q4", "iq2", "fp16". */
static const struct {
	const char *word;
	bool digit;
} quantized[] = {
	{"q", true},
	{"iq", true},
	{"fp", true},
	{"f", true},
	{"bf", true},
	{"int", true},
	{"nf", true},
	{"mxfp", true},
	{"awq", false},
	{"gptq", false},
	{"gguf", false},
	{"ggml", false},
};

static bool is_quantized(const char *word, size_t len)
{
	for (size_t i = 0; i < countof(quantized); i++) {
		size_t known = strlen(quantized[i].word);

		if ((word[0] | 0x20) != quantized[i].word[0] ||
			strncasecmp(word, quantized[i].word, known) != 0)
			continue;
		if (quantized[i].digit ? len > known && isdigit((unsigned char)word[known])
				       : len == known)
			return true;
	}
	return false;
}

size_t bake_family_len(const char *id)
{
	size_t at = 0;

	while (id[at]) {
		size_t len = strcspn(id + at, "-_.");

		if (at > 0 && is_quantized(id + at, len))
			return at - 1;
		at += len;
		if (id[at])
			at++;
	}
	return at;
}

enum {
	BITS_WEIGHT = 16,
	BITS_MAX = 64
};

unsigned bake_family_quality(const char *quantization)
{
	const char *digits = quantization ? quantization + strcspn(quantization, "0123456789") : "";
	unsigned bits = 0;
	unsigned more = 8;

	for (; isdigit((unsigned char)*digits) && bits < BITS_MAX; digits++)
		bits = bits * 10 + (unsigned)(*digits - '0');
	if (bits == 0 || bits > BITS_MAX)
		return 0;
	/* Q8_0 keeps more than FP8, Q4_K_M more than Q4_K_S, and that more than Q4_0. */
	if (strncasecmp(quantization, "fp", 2) == 0 || strncasecmp(quantization, "int", 3) == 0)
		more = 0;
	if (strcasestr(digits, "_K"))
		more = 10;
	if (strcasestr(digits, "_L"))
		more += 4;
	else if (strcasestr(digits, "_M"))
		more += 3;
	else if (strcasestr(digits, "_S"))
		more += 1;
	return bits * BITS_WEIGHT + more;
}
