/* SPDX-License-Identifier: Apache-2.0 */
#include "arch/gguf_facts.h"

#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/text.h"

struct key {
	char text[BAKE_GGUF_KEY_ROOM];
};

static const char *key_of(const struct bake_gguf_in *in, const char *suffix, struct key *out)
{
	static const char *const whole[] = {"general.", "tokenizer.", "clip.", "split."};

	for (size_t i = 0; i < countof(whole); i++)
		if (bake_text_starts(suffix, whole[i]))
			return suffix;
	(void)snprintf(out->text, sizeof(out->text), "%s.%s", in->type, suffix);
	return out->text;
}

const struct bake_gguf_kv *bake_gguf_in_find(const struct bake_gguf_in *in, const char *suffix)
{
	struct key key;

	return bake_gguf_find(in->gguf, key_of(in, suffix, &key));
}

bool bake_gguf_in_has(const struct bake_gguf_in *in, const char *suffix)
{
	return bake_gguf_in_find(in, suffix) != NULL;
}

const char *bake_gguf_in_source(
	const struct bake_gguf_in *in, const char *suffix, struct bake_gguf_source *out)
{
	struct key key;

	(void)snprintf(
		out->text, sizeof(out->text), "gguf:%s:%s", in->path, key_of(in, suffix, &key));
	return out->text;
}

enum bake_status bake_gguf_in_complain(const struct bake_gguf_in *in, const char *suffix,
	struct bake_error *err, const char *format, ...)
{
	struct key key;
	char what[160];
	va_list args;

	va_start(args, format);
	(void)vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	return bake_arch_warn(
		in->arch, err, "%s: %s %s", BAKE_SHOW(in->path), key_of(in, suffix, &key), what);
}

enum bake_status bake_gguf_in_number(const struct bake_gguf_in *in, const char *suffix,
	uint64_t max, uint64_t *out, bool *out_said, struct bake_error *err)
{
	const struct bake_gguf_kv *kv = bake_gguf_in_find(in, suffix);
	uint64_t value;

	*out_said = false;
	if (!kv)
		return BAKE_OK;
	if (kv->count != 1 || !bake_gguf_u64_at(in->gguf, kv, 0, &value))
		return bake_gguf_in_complain(in, suffix, err, "is not a whole number");
	if (value > max)
		return bake_gguf_in_complain(in, suffix, err, "is %" PRIu64 ", too large", value);
	*out = value;
	*out_said = true;
	return BAKE_OK;
}

/* 0.1 in single precision is 0.100000001490116 in double: what was meant has fewer digits. */
static double shortest(float value)
{
	char text[32];

	for (int digits = 6; digits <= 9; digits++) {
		(void)snprintf(text, sizeof(text), "%.*g", digits, (double)value);
		if (strtof(text, NULL) == value)
			return strtod(text, NULL);
	}
	return (double)value;
}

enum bake_status bake_gguf_in_real(const struct bake_gguf_in *in, const char *suffix, double *out,
	bool *out_said, struct bake_error *err)
{
	const struct bake_gguf_kv *kv = bake_gguf_in_find(in, suffix);
	double value;

	*out_said = false;
	if (!kv)
		return BAKE_OK;
	if (kv->count != 1 || !bake_gguf_f64_at(in->gguf, kv, 0, &value) || !isfinite(value))
		return bake_gguf_in_complain(in, suffix, err, "is not a finite number");
	*out = kv->element == BAKE_GGUF_F32 ? shortest((float)value) : value;
	*out_said = true;
	return BAKE_OK;
}

enum bake_status bake_gguf_in_text(const struct bake_gguf_in *in, const char *suffix,
	struct bake_span *out, bool *out_said, struct bake_error *err)
{
	const struct bake_gguf_kv *kv = bake_gguf_in_find(in, suffix);

	*out_said = false;
	if (!kv)
		return BAKE_OK;
	if (kv->kind != BAKE_GGUF_STRING || kv->bytes.len == 0)
		return bake_gguf_in_complain(in, suffix, err, "is not a text");
	*out = kv->bytes;
	*out_said = true;
	return BAKE_OK;
}

enum bake_status bake_gguf_in_layers(const struct bake_gguf_in *in, const char *suffix,
	uint64_t max, struct bake_gguf_layers *out, struct bake_error *err)
{
	const struct bake_gguf_kv *kv = bake_gguf_in_find(in, suffix);

	*out = (struct bake_gguf_layers){.suffix = suffix};
	if (!kv || kv->kind != BAKE_GGUF_ARRAY)
		return bake_gguf_in_number(in, suffix, max, &out->most, &out->said, err);
	if (in->blocks == 0 || kv->count != in->blocks) {
		return bake_gguf_in_complain(in, suffix, err,
			"has %" PRIu64 " elements for %" PRIu64 " blocks", kv->count, in->blocks);
	}
	out->list = bake_arena_array(&in->arch->arena, in->blocks, sizeof(*out->list));
	if (!out->list)
		return bake_error_nomem(err);
	for (uint64_t i = 0; i < in->blocks; i++) {
		if (!bake_gguf_u64_at(in->gguf, kv, i, &out->list[i]) || out->list[i] > max) {
			out->list = NULL;
			return bake_gguf_in_complain(in, suffix, err,
				"has an element that is no whole number, or too large");
		}
		if (out->list[i] > out->most)
			out->most = out->list[i];
	}
	out->said = true;
	return BAKE_OK;
}
