/* SPDX-License-Identifier: Apache-2.0 */
#include "index/names.h"

#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/text.h"

static bool any_named(const struct bake_index_file *files, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		const char *slash = strrchr(files[i].path, '/');

		if (strcmp(slash ? slash + 1 : files[i].path, name) == 0)
			return true;
	}
	return false;
}

static bool any_ending(const struct bake_index_file *files, size_t count, const char *suffix)
{
	for (size_t i = 0; i < count; i++) {
		if (bake_text_ends(files[i].path, suffix))
			return true;
	}
	return false;
}

const char *bake_names_format(const struct bake_index_file *files, size_t count)
{
	if (any_named(files, count, "model_index.json"))
		return "diffusers";
	if (any_ending(files, count, ".gguf"))
		return "gguf";
	if (any_named(files, count, "config.json"))
		return "transformers";
	return any_ending(files, count, ".safetensors") ? "safetensors" : NULL;
}

bool bake_names_is_projector(const char *path)
{
	static const char mark[] = "mmproj";
	const char *slash = strrchr(path, '/');

	/* Few names have an "mm": strcasestr looks at each letter several times. */
	for (const char *at = slash ? slash + 1 : path; *at; at++) {
		if ((at[0] | 0x20) == 'm' && (at[1] | 0x20) == 'm' &&
			strncasecmp(at, mark, sizeof(mark) - 1) == 0)
			return true;
	}
	return false;
}

/* Longer labels come before those they begin with. */
static const char *const labels[] = {
	"IQ1_S",
	"IQ1_M",
	"IQ2_XXS",
	"IQ2_XS",
	"IQ2_S",
	"IQ2_M",
	"IQ3_XXS",
	"IQ3_XS",
	"IQ3_S",
	"IQ3_M",
	"IQ4_XS",
	"IQ4_NL",
	"Q2_K_S",
	"Q2_K_L",
	"Q2_K",
	"Q3_K_XL",
	"Q3_K_S",
	"Q3_K_M",
	"Q3_K_L",
	"Q3_K",
	"Q4_K_XL",
	"Q4_K_S",
	"Q4_K_M",
	"Q4_K_L",
	"Q4_K",
	"Q5_K_XL",
	"Q5_K_S",
	"Q5_K_M",
	"Q5_K_L",
	"Q5_K",
	"Q6_K_XL",
	"Q6_K_L",
	"Q6_K",
	"Q8_K_XL",
	"Q4_0",
	"Q4_1",
	"Q5_0",
	"Q5_1",
	"Q8_0",
	"BF16",
	"F16",
	"F32",
	"FP16",
	"FP32",
	"FP8_E4M3FN",
	"FP8_E5M2",
	"FP8",
	"INT4",
	"INT8",
	"FP4",
	"NF4",
	"MXFP4",
	"AWQ",
	"GPTQ",
};

/* What labels begin with: behind each first letter, which second ones. Nearly all words are passed
 * over by these. */
static const char seconds['Z' - 'A' + 1][8] = {['A' - 'A'] = "W",
	['B' - 'A'] = "F",
	['F' - 'A'] = "13P",
	['G' - 'A'] = "P",
	['I' - 'A'] = "NQ",
	['M' - 'A'] = "X",
	['N' - 'A'] = "F",
	['Q' - 'A'] = "234568"};

/* ASCII alone: ctype.h asks the locale for each letter. */
static int upper(char c)
{
	return c >= 'a' && c <= 'z' ? c - ('a' - 'A') : c;
}

static bool is_word(char c)
{
	int letter = upper(c);

	return (letter >= 'A' && letter <= 'Z') || (c >= '0' && c <= '9');
}

/* The first label before the last-th that stands at the beginning of text as a word. */
static size_t label_at(const char *text, size_t last)
{
	int first = upper(text[0]);
	int second = first ? upper(text[1]) : 0;

	if (!second || first < 'A' || first > 'Z' || !strchr(seconds[first - 'A'], second))
		return last;
	for (size_t i = 0; i < last; i++) {
		const char *label = labels[i];
		size_t len;

		if (first != label[0] || second != label[1])
			continue;
		len = strlen(label);
		if (strncasecmp(text, label, len) == 0 && !is_word(text[len]))
			return i;
	}
	return last;
}

const char *bake_names_quantization(const char *name)
{
	size_t found = countof(labels);
	bool inside = false;

	/* Of several the one that stands first in the table, wherever it is in the name. */
	for (const char *at = name; *at; at++) {
		bool word = is_word(*at);

		if (word && !inside)
			found = label_at(at, found);
		inside = word;
	}
	if (found < countof(labels))
		return labels[found];
	/* "model-q4.gguf" says four bits and no more. */
	if (bake_text_ends(name, "-q4.gguf"))
		return "Q4";
	return NULL;
}
