/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/gpu.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "base/cleanup.h"
#include "base/num.h"
#include "base/text.h"

/* Which precision a GPU needs (nunchaku/utils.py). What is not listed, sm_90 for one, has no
 * kernels. */
static const struct {
	struct bake_gpu gpu;
	const char *precision;
} nunchaku[] = {
	{{7, 5}, "int4"},
	{{8, 0}, "int4"},
	{{8, 6}, "int4"},
	{{8, 9}, "int4"},
	{{12, 0}, "fp4"},
	{{12, 1}, "fp4"},
};

static const char *after_prefix(const char *text)
{
	static const char *const prefixes[] = {"sm_", "compute_"};

	for (size_t i = 0; i < countof(prefixes); i++)
		if (strncasecmp(text, prefixes[i], strlen(prefixes[i])) == 0)
			return text + strlen(prefixes[i]);
	return text;
}

/* "sm_90a" and "sm_120f" are the GPUs of sm_90 and sm_120, compiled for in another way. */
static size_t without_suffix(const char *text)
{
	size_t len = strlen(text);

	if (len > 0 && strchr("aAfF", text[len - 1]))
		len--;
	return len;
}

bool bake_gpu_parse(const char *text, struct bake_gpu *out)
{
	const char *digits = after_prefix(text);
	size_t len = digits == text ? strlen(text) : without_suffix(digits);
	size_t whole = len > 0 ? len - 1 : 0; /* the last digit is the minor version */
	size_t dot = digits == text && whole > 0 && digits[whole - 1] == '.';
	uint64_t major;
	uint64_t minor;

	whole -= dot;
	if (whole > 2 || !bake_number_parse(digits, whole, &major) || major == 0 ||
		!bake_number_parse(digits + whole + dot, 1, &minor))
		return false;
	*out = (struct bake_gpu){(uint32_t)major, (uint32_t)minor};
	return true;
}

void bake_gpu_judge_nunchaku(
	struct bake_gpu gpu, const char *precision, struct bake_gpu_answer *out)
{
	struct bake_gpu_answer answer = {BAKE_GPU_UNSUPPORTED, NULL, {0}};

	for (size_t i = 0; i < countof(nunchaku); i++)
		if (nunchaku[i].gpu.major == gpu.major && nunchaku[i].gpu.minor == gpu.minor)
			answer.precision = nunchaku[i].precision;
	if (!answer.precision) {
		(void)snprintf(answer.reason, sizeof(answer.reason),
			"Nunchaku does not support sm_%u%u", gpu.major, gpu.minor);
	} else if (!precision) {
		answer.verdict = BAKE_GPU_UNKNOWN;
		(void)snprintf(answer.reason, sizeof(answer.reason),
			"sm_%u%u needs %s, and the file does not say what it is", gpu.major,
			gpu.minor, answer.precision);
	} else if (strcmp(precision, answer.precision) == 0) {
		answer.verdict = BAKE_GPU_RUNS;
		(void)snprintf(answer.reason, sizeof(answer.reason), "sm_%u%u runs %s", gpu.major,
			gpu.minor, answer.precision);
	} else {
		answer.verdict = BAKE_GPU_OTHER_PRECISION;
		(void)snprintf(answer.reason, sizeof(answer.reason),
			"sm_%u%u needs %s, this is %.24s", gpu.major, gpu.minor, answer.precision,
			BAKE_SHOW_SPAN(precision, strnlen(precision, 24)));
	}
	*out = answer;
}
