/* SPDX-License-Identifier: Apache-2.0 */
/* What a parsed GGUF header has under a name. */
#include "base/num.h"
#include "base/text.h"
#include "format/gguf_reader.h"

static bool is_named(struct bake_span name, struct bake_span wanted)
{
	return name.len == wanted.len &&
	       (wanted.len == 0 || memcmp(name.ptr, wanted.ptr, wanted.len) == 0);
}

const struct bake_gguf_kv *bake_gguf_find(const struct bake_gguf *gguf, const char *key)
{
	struct bake_span wanted = bake_span_text(key);
	const struct bake_gguf_name *found;

	for (size_t i = 0; !gguf->keys_by_name && i < gguf->key_count; i++) {
		if (is_named(gguf->keys[i].key, wanted))
			return &gguf->keys[i];
	}
	if (!gguf->keys_by_name)
		return NULL;
	found = bake_gguf_search_names(gguf->keys_by_name, gguf->key_count, wanted);
	return found ? &gguf->keys[found->index] : NULL;
}

const struct bake_gguf_tensor *bake_gguf_find_tensor(const struct bake_gguf *gguf, const char *name)
{
	struct bake_span wanted = bake_span_text(name);
	const struct bake_gguf_name *found;

	for (size_t i = 0; !gguf->tensors_by_name && i < gguf->tensor_count; i++) {
		if (is_named(gguf->tensors[i].name, wanted))
			return &gguf->tensors[i];
	}
	if (!gguf->tensors_by_name)
		return NULL;
	found = bake_gguf_search_names(gguf->tensors_by_name, gguf->tensor_count, wanted);
	return found ? &gguf->tensors[found->index] : NULL;
}

enum nature {
	NO_NUMBER,
	UNSIGNED,
	SIGNED,
	FLOATING
};

static enum nature nature_of(enum bake_gguf_kind kind)
{
	static const enum nature natures[BAKE_GGUF_KINDS] = {
		[BAKE_GGUF_U8] = UNSIGNED,
		[BAKE_GGUF_I8] = SIGNED,
		[BAKE_GGUF_U16] = UNSIGNED,
		[BAKE_GGUF_I16] = SIGNED,
		[BAKE_GGUF_U32] = UNSIGNED,
		[BAKE_GGUF_I32] = SIGNED,
		[BAKE_GGUF_F32] = FLOATING,
		[BAKE_GGUF_BOOL] = UNSIGNED,
		[BAKE_GGUF_U64] = UNSIGNED,
		[BAKE_GGUF_I64] = SIGNED,
		[BAKE_GGUF_F64] = FLOATING,
	};

	return natures[kind];
}

/* The bits of element at, without its sign. False when there is none of a fixed size. */
static bool bits_at(
	const struct bake_gguf *gguf, const struct bake_gguf_kv *kv, uint64_t at, uint64_t *out)
{
	size_t width = bake_gguf_kind_bytes(kv->element);

	if (width == 0 || at >= kv->bytes.len / width)
		return false;
	*out = bake_gguf_number(kv->bytes.ptr + at * width, width, gguf->big_endian);
	return true;
}

/* Two's complement of as many bytes as the kind has. */
static int64_t signed_of(uint64_t bits, enum bake_gguf_kind kind)
{
	unsigned unused = 64 - 8 * (unsigned)bake_gguf_kind_bytes(kind);

	return (int64_t)(bits << unused) >> unused;
}

bool bake_gguf_u64_at(
	const struct bake_gguf *gguf, const struct bake_gguf_kv *kv, uint64_t at, uint64_t *out)
{
	enum nature nature = nature_of(kv->element);
	uint64_t bits;

	if ((nature != UNSIGNED && nature != SIGNED) || !bits_at(gguf, kv, at, &bits))
		return false;
	if (nature == SIGNED && signed_of(bits, kv->element) < 0)
		return false;
	*out = bits;
	return true;
}

bool bake_gguf_f64_at(
	const struct bake_gguf *gguf, const struct bake_gguf_kv *kv, uint64_t at, double *out)
{
	enum nature nature = nature_of(kv->element);
	uint64_t bits;
	uint32_t half;
	float single;

	if (nature == NO_NUMBER || kv->element == BAKE_GGUF_BOOL || !bits_at(gguf, kv, at, &bits))
		return false;
	if (nature == UNSIGNED) {
		*out = (double)bits;
	} else if (nature == SIGNED) {
		*out = (double)signed_of(bits, kv->element);
	} else if (kv->element == BAKE_GGUF_F64) {
		memcpy(out, &bits, sizeof(*out));
	} else {
		half = (uint32_t)bits;
		memcpy(&single, &half, sizeof(single));
		*out = (double)single;
	}
	return true;
}

static const struct bake_gguf_kv *only(const struct bake_gguf *gguf, const char *key)
{
	const struct bake_gguf_kv *kv = bake_gguf_find(gguf, key);

	return kv && kv->count == 1 ? kv : NULL;
}

bool bake_gguf_u64(const struct bake_gguf *gguf, const char *key, uint64_t *out)
{
	const struct bake_gguf_kv *kv = only(gguf, key);

	return kv && bake_gguf_u64_at(gguf, kv, 0, out);
}

bool bake_gguf_f64(const struct bake_gguf *gguf, const char *key, double *out)
{
	const struct bake_gguf_kv *kv = only(gguf, key);

	return kv && bake_gguf_f64_at(gguf, kv, 0, out);
}

bool bake_gguf_bool(const struct bake_gguf *gguf, const char *key, bool *out)
{
	const struct bake_gguf_kv *kv = only(gguf, key);
	uint64_t value;

	if (!kv || kv->element != BAKE_GGUF_BOOL || !bake_gguf_u64_at(gguf, kv, 0, &value))
		return false;
	*out = value != 0;
	return true;
}

bool bake_gguf_text(const struct bake_gguf *gguf, const char *key, struct bake_span *out)
{
	const struct bake_gguf_kv *kv = bake_gguf_find(gguf, key);

	if (!kv || kv->kind != BAKE_GGUF_STRING)
		return false;
	*out = kv->bytes;
	return true;
}

bool bake_gguf_split_name(
	const char *path, size_t *out_prefix_len, uint32_t *out_number, uint32_t *out_count)
{
	static const char form[] = "-00000-of-00000.gguf";
	size_t len = strlen(path);
	size_t tail = sizeof(form) - 1;
	const char *at;
	uint64_t number;
	uint64_t count;

	if (len <= tail)
		return false;
	at = path + len - tail;
	if (at[-1] == '/')
		return false;
	if (!bake_number_parse(at + 1, 5, &number) || !bake_number_parse(at + 10, 5, &count))
		return false;
	if (at[0] != '-' || memcmp(at + 6, "-of-", 4) != 0 || strcmp(at + 15, ".gguf") != 0)
		return false;
	if (number == 0 || number > count)
		return false;
	*out_prefix_len = len - tail;
	*out_number = (uint32_t)number;
	*out_count = (uint32_t)count;
	return true;
}
