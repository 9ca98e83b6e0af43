/* SPDX-License-Identifier: Apache-2.0 */
/* The metadata of a GGUF header: key-value pairs. */
#include <inttypes.h>

#include "base/cleanup.h"
#include "base/text.h"
#include "format/gguf_reader.h"

static const struct {
	const char *name;
	size_t bytes;
} kinds[BAKE_GGUF_KINDS] = {
	[BAKE_GGUF_U8] = {"u8", 1},
	[BAKE_GGUF_I8] = {"i8", 1},
	[BAKE_GGUF_U16] = {"u16", 2},
	[BAKE_GGUF_I16] = {"i16", 2},
	[BAKE_GGUF_U32] = {"u32", 4},
	[BAKE_GGUF_I32] = {"i32", 4},
	[BAKE_GGUF_F32] = {"f32", 4},
	[BAKE_GGUF_BOOL] = {"bool", 1},
	[BAKE_GGUF_STRING] = {"string", 0},
	[BAKE_GGUF_ARRAY] = {"array", 0},
	[BAKE_GGUF_U64] = {"u64", 8},
	[BAKE_GGUF_I64] = {"i64", 8},
	[BAKE_GGUF_F64] = {"f64", 8},
};

size_t bake_gguf_kind_bytes(enum bake_gguf_kind kind)
{
	return kinds[kind].bytes;
}

static bool take_kind(struct bake_gguf_reader *reader, enum bake_gguf_kind *out)
{
	uint64_t begin = reader->at;
	uint32_t kind;

	if (!bake_gguf_take_u32(reader, &kind))
		return false;
	if (kind >= BAKE_GGUF_KINDS) {
		return bake_gguf_refuse(
			reader, begin, "gguf.type", "a value of the unknown type %" PRIu32, kind);
	}
	*out = (enum bake_gguf_kind)kind;
	return true;
}

/* Strings in a row: a walk over their lengths. */
static bool take_strings(
	struct bake_gguf_reader *reader, uint64_t count, uint64_t begin, struct bake_span *out)
{
	uint64_t first = reader->at;
	uint64_t least = reader->gguf->version == 1 ? sizeof(uint32_t) : sizeof(uint64_t);
	struct bake_span ignored;

	if (count > BAKE_GGUF_HEADER_MAX / least) {
		return bake_gguf_refuse(reader, begin, "gguf.array",
			"an array of %" PRIu64 " strings: more than a header can hold", count);
	}
	if (!bake_gguf_expect(reader, count * least))
		return false;
	for (uint64_t i = 0; i < count; i++) {
		if (!bake_gguf_take_string(reader, BAKE_GGUF_STRING_MAX, "gguf.string", &ignored))
			return false;
	}
	*out = bake_span(reader->head.ptr + first, (size_t)(reader->at - first));
	return true;
}

static bool take_numbers(struct bake_gguf_reader *reader, struct bake_gguf_kv *kv, uint64_t begin)
{
	size_t each = kinds[kv->element].bytes;

	if (kv->count > BAKE_GGUF_HEADER_MAX / each) {
		return bake_gguf_refuse(reader, begin, "gguf.array",
			"an array of %" PRIu64 " %s: more than a header can hold", kv->count,
			kinds[kv->element].name);
	}
	begin = reader->at;
	if (!bake_gguf_take(reader, kv->count * each, &kv->bytes))
		return false;
	for (size_t i = 0; kv->element == BAKE_GGUF_BOOL && i < kv->bytes.len; i++) {
		if (kv->bytes.ptr[i] > 1) {
			return bake_gguf_refuse(reader, begin + i, "gguf.type",
				"a bool that is neither 0 nor 1 but %u", kv->bytes.ptr[i]);
		}
	}
	return true;
}

static bool take_value(struct bake_gguf_reader *reader, struct bake_gguf_kv *kv)
{
	uint64_t begin;

	if (!take_kind(reader, &kv->kind))
		return false;
	kv->element = kv->kind;
	kv->count = 1;
	begin = reader->at;
	if (kv->kind == BAKE_GGUF_STRING) {
		return bake_gguf_take_string(
			reader, BAKE_GGUF_STRING_MAX, "gguf.string", &kv->bytes);
	}
	if (kv->kind == BAKE_GGUF_ARRAY) {
		if (!take_kind(reader, &kv->element))
			return false;
		/* The specification allows them; ggml reads none, and no writer makes any. */
		if (kv->element == BAKE_GGUF_ARRAY)
			return bake_gguf_refuse(reader, begin, "gguf.array", "an array of arrays");
		begin = reader->at;
		if (!bake_gguf_take_size(reader, &kv->count))
			return false;
		if (kv->element == BAKE_GGUF_STRING)
			return take_strings(reader, kv->count, begin, &kv->bytes);
	}
	return take_numbers(reader, kv, begin);
}

static bool take_pair(struct bake_gguf_reader *reader, struct bake_gguf_kv *kv)
{
	kv->offset = reader->at;
	reader->what = NULL;
	if (!bake_gguf_take_string(reader, BAKE_GGUF_KEY_MAX, "gguf.key", &kv->key))
		return false;
	if (kv->key.len == 0)
		return bake_gguf_refuse(reader, kv->offset, "gguf.key", "an empty key");
	reader->what = "key";
	reader->whose = kv->key;
	return bake_gguf_check_name(reader, kv->offset, "gguf.key", kv->key) &&
	       take_value(reader, kv);
}

static bool sort_keys(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;
	struct bake_gguf_name *names =
		bake_arena_array(&gguf->arena, gguf->key_count, sizeof(*names));
	size_t again;

	if (!names)
		return bake_gguf_refuse_memory(reader);
	for (size_t i = 0; i < gguf->key_count; i++)
		names[i] = (struct bake_gguf_name){.name = &gguf->keys[i].key, .index = i};
	bake_gguf_sort_names(names, gguf->key_count, &again);
	if (again < gguf->key_count) {
		reader->what = "key";
		reader->whose = gguf->keys[again].key;
		return bake_gguf_refuse(
			reader, gguf->keys[again].offset, "gguf.key", "stands there twice");
	}
	gguf->keys_by_name = names;
	return true;
}

static bool set_alignment(struct bake_gguf_reader *reader)
{
	static const char key[] = "general.alignment";
	const struct bake_gguf_kv *kv = bake_gguf_find(reader->gguf, key);
	uint64_t alignment = 32;

	if (!kv) {
		reader->gguf->alignment = (uint32_t)alignment;
		return true;
	}
	reader->what = "key";
	reader->whose = kv->key;
	if (kv->kind != BAKE_GGUF_U32) {
		return bake_gguf_refuse(reader, kv->offset, "gguf.alignment", "%s instead of u32",
			kinds[kv->kind].name);
	}
	(void)bake_gguf_u64_at(reader->gguf, kv, 0, &alignment);
	if (alignment == 0 || (alignment & (alignment - 1)) ||
		alignment > BAKE_GGUF_ALIGNMENT_MAX) {
		return bake_gguf_refuse(reader, kv->offset, "gguf.alignment",
			"%" PRIu64 " is no power of two from 1 to %d", alignment,
			BAKE_GGUF_ALIGNMENT_MAX);
	}
	if (alignment % 8) {
		bake_gguf_warn(reader, BAKE_GGUF_ODD_ALIGNMENT,
			"%" PRIu64 " is no multiple of 8, as the specification wants it",
			alignment);
	}
	reader->gguf->alignment = (uint32_t)alignment;
	return true;
}

bool bake_gguf_read_keys(struct bake_gguf_reader *reader)
{
	struct bake_gguf *gguf = reader->gguf;

	gguf->keys = bake_arena_array(&gguf->arena, gguf->key_count, sizeof(*gguf->keys));
	if (!gguf->keys)
		return bake_gguf_refuse_memory(reader);
	for (size_t i = 0; i < gguf->key_count; i++) {
		if (!take_pair(reader, &gguf->keys[i]))
			return false;
	}
	return sort_keys(reader) && set_alignment(reader);
}
